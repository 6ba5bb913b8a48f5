/** The end of a stage that the launcher started and no process came of: the line was wrong, or the container refused. */

import { endLaunchedStage, type LaunchedStage } from '../native/launched-stage.ts';
import { hostPlatform } from '../native/platform.ts';

export const endStage = (stage: LaunchedStage): void => endLaunchedStage(hostPlatform().local, stage);
