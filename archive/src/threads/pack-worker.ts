import { parentPort } from 'node:worker_threads'
import type { AgeFileKey, AgeFileStart } from '#age-file.ts'
import { hashBytes, openBytes, type PackPlace, sealBytes } from '#packs/pack-work.ts'

/** See `PackWork`. The memory is this thread's from the task to its result. */
export type PackTask = { id: number; memory: SharedArrayBuffer; place: PackPlace } & (
  | { kind: 'hash' }
  | { kind: 'seal'; file: AgeFileStart | undefined }
  | { kind: 'open'; key: AgeFileKey }
)

export type PackTaskResult = { id: number } & ((PackPlace & { sha256: string }) | { failure: unknown })

async function run(task: PackTask): Promise<PackPlace & { sha256: string }> {
  const memory = Buffer.from(task.memory)
  const { place } = task
  switch (task.kind) {
    case 'hash':
      return { ...place, sha256: await hashBytes(memory, place) }
    case 'seal':
      return await sealBytes(memory, place, task.file)
    case 'open':
      return { ...openBytes(memory, place, task.key), sha256: '' }
  }
}

async function answer(task: PackTask): Promise<void> {
  const result = await run(task).catch((failure: unknown) => ({ failure }))
  parentPort?.postMessage({ id: task.id, ...result } satisfies PackTaskResult)
}

let last = Promise.resolve()

// This thread lives until its 'end' message, which waits for the tasks before it.
parentPort?.on('message', (message: PackTask | 'end') => {
  last = message === 'end' ? last.then(() => process.exit()) : last.then(() => answer(message))
})
