/** The words on standard error by which the pool learns that the guard ended the process, followed by the bytes seen. */
export const guardMark = 'muster-guard: memory'
