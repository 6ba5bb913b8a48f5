/** Tests multiply their waits for what is certain to come by this. It is more than 1 on a slow machine (test/vm/). */
export const PATIENCE = Number(process.env.RUNCHART_TEST_PATIENCE ?? 1);
