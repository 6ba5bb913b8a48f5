/**
 * A container's cgroup, from the plan to the end:
 *
 *   layout = detectLayout(kernel)                       what the host has
 *   record = planCgroup({ cgroupsPath, id, layout })    pure; goes into state.json before anything is made
 *   refuseUsed(kernel, record)                          before it is recorded: see there
 *   record = createCgroup(kernel, record, resources)    directories and limits, before there is a process
 *   checkJoined(record, stage.submit(joinCalls(record)).results)
 *   freeze, thaw, isFrozen, signalAll, members, updateResources
 *   killAll(kernel, record); removeCgroup(kernel, record)
 */

export { type CreateOptions, createCgroup, refuseUsed } from './create.ts';
export { CgroupError, isCgroupError } from './files.ts';
export { freeze, isFrozen, thaw } from './freeze.ts';
export { checkJoined, type JoinOptions, joinCalls } from './join.ts';
export { killAll, signalAll } from './kill.ts';
export { type CgroupLayout, detectLayout, type Hierarchy } from './layout.ts';
export { ignoredResources } from './limits/ignored.ts';
export { members } from './members.ts';
export { type CgroupPlanInput, planCgroup } from './paths.ts';
export { removeCgroup } from './remove.ts';
export { applyResources, planLimits, updateResources } from './resources.ts';
export { readStats } from './stats/read.ts';
export type { ContainerStats } from './stats/types.ts';
