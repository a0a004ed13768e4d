import type { BackupSource, BackupType } from 'telegram-deployment-bot'
import type { Connector } from '#connector.ts'
import { type ProofMode, readProofMode } from '#proof-mode.ts'
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

/** A dump of a database, with the hashes of its rows. */
async function hashed(
  source: BackupSource,
  { proof, type }: { proof: ProofMode; type: BackupType },
): Promise<BackupSource> {
  if (type !== 'database') return source
  const { likelyZones, withDumpLines } = await import('#dump-lines.ts')
  return withDumpLines(source, { proof, zones: likelyZones() })
}

/** One file. It can be read again, so a send can be resumed; its bytes are fetched, not restored. */
export const FILE: Connector<FileChoice, RestoreTarget, FileSettings> = {
  kind: 'file',
  place: 'file',
  settings: ['proof'],
  choose: chooseFile,
  open: async ({ path, proof }, options) => {
    const { openFileSource } = await import('#stream/file-source.ts')
    return await hashed(await openFileSource(path, options), { proof, type: options.type })
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
    chooseAgain: (facts, path) => ({
      kind: 'file',
      path: path ?? String(facts['path']),
      proof: readProofMode({}),
    }),
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
  settings: ['allow', 'proof'],
  choose: chooseStdin,
  open: async (choice, { type }) => {
    const { openStandardInput } = await import('#stream/standard-input.ts')
    return await hashed(openStandardInput(type, choice), { proof: choice.proof, type })
  },
  check: async () => ({ message: 'standard input' }),
}
