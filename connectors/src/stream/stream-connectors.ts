import type { Connector } from '#connector.ts'
import type { RestoreTarget } from '#restoring.ts'
import { recordedName } from '#source-words.ts'
import {
  chooseFile,
  chooseStdin,
  type FileChoice,
  type FileSettings,
  type StdinChoice,
  type StdinSettings,
} from '#stream/settings.ts'

/** One file. It can be read again, so a send can be resumed; its bytes are fetched, not restored. */
export const FILE: Connector<FileChoice, RestoreTarget, FileSettings> = {
  kind: 'file',
  place: 'file',
  settings: [],
  choose: chooseFile,
  open: async ({ path }, options) => {
    const { openFileSource } = await import('#stream/file-source.ts')
    return await openFileSource(path, options)
  },
  check: async ({ path }) => {
    const { assertReadableFile } = await import('#stream/file-path.ts')
    await assertReadableFile(path)
    return { message: `${path} can be read` }
  },
  preview: async ({ path }, { type, signal }) => {
    const { openFileSource } = await import('#stream/file-source.ts')
    const source = await openFileSource(path, { type, waits: false, signal })
    await source.close()
    return { filename: source.filename, bytes: source.sizeBytes, isExact: true }
  },
  describe: facts => ({ place: recordedName(facts, 'path') }),
  resume: {
    chooseAgain: (facts, path) => ({ kind: 'file', path: path ?? String(facts['path']) }),
    look: async ({ path }) => {
      const { lookAtFile } = await import('#stream/file-path.ts')
      return await lookAtFile(path)
    },
  },
}

/** Standard input, to its end. It can be read only once, so a send of it cannot be resumed. */
export const STDIN: Connector<StdinChoice, RestoreTarget, StdinSettings> = {
  kind: 'stdin',
  place: 'stdin',
  settings: ['allow'],
  choose: chooseStdin,
  open: async (choice, { type }) => {
    const { openStandardInput } = await import('#stream/standard-input.ts')
    return openStandardInput(type, choice)
  },
  check: async () => ({ message: 'standard input' }),
}
