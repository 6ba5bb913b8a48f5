/**
 * Ends a stage that the launcher has started and no process came of: the command line was wrong, or the container
 * refused.
 */

import { hostPlatform } from '../../native/host-platform.ts';
import { endLaunchedStage } from '../../native/stage/launched.ts';
import type { LaunchedStage } from '../../native/stage/stage.ts';

export const endStage = (stage: LaunchedStage): void => endLaunchedStage(hostPlatform().local, stage);
