import type { Order } from '#torture/play/operations.ts'
import type { Run } from '#torture/play/run.ts'
import type { World } from '#torture/world/world.ts'

/** Whether it is given to a machine whose chat another one has taken over. */
export function isOfOldMachine({ catalog }: Order): boolean {
  return catalog !== undefined
}

/** Every message of every chat, one a line. */
export async function whatIsInTheChats({ chat, replica }: World): Promise<string[]> {
  const lines: string[] = []
  for (const { id, view } of replica ? [chat, replica] : [chat]) {
    for (const message of await view.messages()) lines.push(`${id} ${JSON.stringify(message)}`)
  }
  return lines
}

/** A machine that is not the chat's any more may change nothing in it, whatever befalls it. */
export function touched(before: readonly string[], after: readonly string[]): string[] {
  const [had, has] = [new Set(before), new Set(after)]
  return [
    ...after.filter(line => !had.has(line)).map(line => `touched by an old machine: now ${line}`),
    ...before.filter(line => !has.has(line)).map(line => `touched by an old machine: no longer ${line}`),
  ].map(words => words.slice(0, 300))
}

/** It has to hear that the chat is not its own any more. */
export function notRefused(runs: readonly Run[]): string[] {
  return runs.flatMap(({ order, end }) =>
    isOfOldMachine(order) && end.code === 0 ? [`not refused: ${order.args.join(' ')} on an old machine`] : [],
  )
}
