/** The folders of a restic repository; the name of each file in them is the SHA-256 of its bytes. */
const TYPES = ['data', 'keys', 'locks', 'snapshots', 'index'] as const
type FileType = (typeof TYPES)[number]

/** What a path below `/restic/` names. `key`: of the object in the bucket. */
export type ResticPath = { bucketName: string } & (
  | { is: 'repository' }
  | { is: 'list'; type: FileType; prefix: string }
  | { is: 'file'; type: 'config'; key: 'config' }
  | { is: 'file'; type: FileType; key: string; sha256: string }
)

export type ResticFile = Extract<ResticPath, { is: 'file' }>

const PATH = new RegExp(`^/restic/([a-z0-9.-]{3,63})/(?:|(config)|(${TYPES.join('|')})/(?:|([0-9a-f]{64})))$`)

/** Undefined for a path that restic does not use. @param path of a request, as it was sent */
export function readResticPath(path: string): ResticPath | undefined {
  const [found, bucketName = '', config, type, sha256] = PATH.exec(path) ?? []
  if (found === undefined) return undefined
  if (config !== undefined) return { bucketName, is: 'file', type: 'config', key: 'config' }
  if (!isType(type)) return { bucketName, is: 'repository' }
  if (sha256 === undefined) return { bucketName, is: 'list', type, prefix: `${type}/` }
  return { bucketName, is: 'file', type, key: `${type}/${sha256}`, sha256 }
}

function isType(text: string | undefined): text is FileType {
  return TYPES.some(type => type === text)
}

/** As in the table of routes, for the log and the metrics. */
export function routeOf(path: ResticPath | undefined): string {
  if (path === undefined) return '/restic'
  const rest = path.is === 'repository' ? '' : path.type
  const name = path.is === 'file' && path.type !== 'config' ? '/{name}' : path.is === 'list' ? '/' : ''
  return `/restic/{bucket}/${rest}${name}`
}
