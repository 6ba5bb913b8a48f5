/** How long tests wait for what is certain to come: times this, where the machine is a slow one (test/vm/). */
export const PATIENCE = Number(process.env.RUNCHART_TEST_PATIENCE ?? 1);
