import { readCatalog } from '#torture/judge/catalog-rows.ts'
import { chatCheck } from '#torture/judge/chat-check.ts'
import { contentsCheck } from '#torture/judge/contents-check.ts'
import { indexCheck } from '#torture/judge/index-check.ts'
import { leftoversCheck } from '#torture/judge/leftovers-check.ts'
import { objectsCheck } from '#torture/judge/objects-check.ts'
import { stateCheck } from '#torture/judge/state-check.ts'
import type { World } from '#torture/world/world.ts'

/**
 * Looks at everything after a calm, from outside. Gives what the protocol promises and is not so; nothing
 * when all is well.
 */
export async function violationsIn(world: World): Promise<string[]> {
  const rows = await readCatalog(world.catalog)
  return [
    ...stateCheck(world, rows),
    ...(await chatCheck(world, rows)),
    ...(await contentsCheck(world, rows)),
    ...(await indexCheck(world, rows)),
    ...(await objectsCheck(world, rows)),
    ...(await leftoversCheck(world)),
  ]
}
