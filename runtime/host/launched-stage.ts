/** The end of a stage that the launcher started and no process came of: the line was wrong, or the container refused. */

import { hostPlatform } from '../../native/platform.ts';
import { endLaunchedStage, type LaunchedStage } from '../../native/stage/launched.ts';

export const endStage = (stage: LaunchedStage): void => endLaunchedStage(hostPlatform().local, stage);
