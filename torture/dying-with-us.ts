/**
 * Program and arguments for `spawn` so that the kernel kills the program as soon as the process that started
 * it is gone, even by SIGKILL: a harness that is killed would leave servers running for ever. It has the id
 * that `spawn` tells. Only to be started from a main thread, whose end the kernel takes for that of the
 * process. Needs util-linux.
 */
export function dyingWithUs(program: string, args: readonly string[]): [program: string, args: string[]] {
  return ['setpriv', ['--pdeathsig', 'KILL', '--', program, ...args]]
}
