import { afterAll, beforeAll } from 'vitest'
import { type Database, openDatabase } from '#index.ts'
import { describeCatalog } from '#test/catalog-suite.ts'
import { TestStateFolder } from '#test/state-folders.ts'

const folder = new TestStateFolder()
let keeper: Database
beforeAll(async () => {
  keeper = await openDatabase({ dataDir: folder.path })
})
afterAll(async () => {
  await keeper.close()
  folder.expectNothingLeft()
  await folder.remove()
})

describeCatalog(() => openDatabase({ dataDir: folder.path }))
