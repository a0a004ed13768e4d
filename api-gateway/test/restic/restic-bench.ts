import { createHash } from 'node:crypto'
import { type Bucket, createBucket, createDoorKey, type DoorScope } from '@telegram-backup/database'
import type { HttpSettings } from '@telegram-backup/engine/config/http-settings.ts'
import { openResticDoor, type ResticDoor } from '#restic/restic-door.ts'
import { type AskOptions, openTestService, type TestService } from '#test/http/http-service.ts'
import { MemoryStore } from '#test/restic/memory-store.ts'

/** The door over HTTP and a real catalog; its objects are in memory. */
export interface ResticBench {
  service: TestService
  store: MemoryStore
  bucket: Bucket
  /** Headers for a new key of the bucket, or of another one. */
  headersFor(scope: DoorScope, of?: Bucket): Promise<Record<string, string>>
  /** Below `/restic/<bucket>/`, with a key of the scope `full` unless other headers are given. */
  ask(path: string, options?: AskOptions): Promise<Response>
  close(): Promise<void>
}

export async function openResticBench(settings: Partial<HttpSettings> = {}): Promise<ResticBench> {
  let door: ResticDoor | undefined
  let store: MemoryStore | undefined
  const service = await openTestService(settings, {
    restic: ports => {
      const own = new MemoryStore(ports.database)
      store = own
      door = openResticDoor({ ...ports, store: () => own })
      return door.handle
    },
  })
  if (store === undefined) throw new Error('The door was not opened')
  const bucket = await createBucket(service.database, { name: 'laptop', kind: 'restic', projectId: 'shop' })
  const headersFor = async (scope: DoorScope, { id: bucketId } = bucket): Promise<Record<string, string>> => {
    const { doorKey, key } = await createDoorKey(service.database, { bucketId, scope, name: 'test' })
    return basic(doorKey.user_name, key)
  }
  const own = await headersFor('full')
  return {
    ...{ service, store, bucket, headersFor },
    ask: (path, { headers, ...options } = {}) =>
      service.ask(`//restic/laptop/${path}`, { ...options, headers: { ...own, ...headers } }),
    close: async () => {
      await service.close()
      door?.close()
    },
  }
}

export function basic(user: string, key: string): Record<string, string> {
  return { Authorization: `Basic ${Buffer.from(`${user}:${key}`).toString('base64')}` }
}

/** The path of a file of `data/`, or of another type, with these bytes. */
export function nameOf(bytes: Uint8Array, type = 'data'): string {
  return `${type}/${createHash('sha256').update(bytes).digest('hex')}`
}

/** The head of a request, for what `fetch` does not send. */
export function headOf(line: string, headers: Record<string, string>): string {
  const lines = Object.entries({ Host: '127.0.0.1', Connection: 'close', ...headers })
  return `${line} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
}
