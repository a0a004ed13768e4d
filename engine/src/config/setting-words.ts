import { structureOfFile } from '#config/setting-names.ts'

/** What each setting means, for editors; by its path, `*` for a name of the user's own. */
const WORDS: Readonly<Record<string, string>> = {
  sources: 'What is backed up: a name for each source, with its settings below it.',
  'sources.*': 'A source: a project, a type, and exactly one of postgres, directory and file.',
  'sources.*.project': 'The project of its backups: letters, digits, ".", "_" and "-".',
  'sources.*.type': 'The type of its backups.',
  'sources.*.postgres': 'The URL of a PostgreSQL database. Write its password as a variable, not as text.',
  'sources.*.directory': 'The path of a directory.',
  'sources.*.file': 'The path of a file.',
  'sources.*.filename': 'The file name of its backups. Default: made of the source.',
  'sources.*.caption': 'A text of your own, at the top of each caption in the chat.',
  'sources.*.tags': 'Tags of its backups, for filters and retention rules: a tag, or a list of tags.',
  'sources.*.chat': 'The id of another chat, in quotation marks. Default: TELEGRAM_CHAT_ID.',
  'sources.*.expires':
    'When a backup may be erased that no retention rule keeps: 12h, 30d, 8w, or a date. Default: 30d.',
  'sources.*.limit_rate': 'Sends at most this many bytes a second: 500k, 2M.',
  'sources.*.format': 'The format of a dump: plain (SQL) or custom (for pg_restore). Default: plain.',
  'sources.*.schema': 'Only these schemas of the database.',
  'sources.*.postgres_cluster':
    'URL of any database of a PostgreSQL cluster: every database and the globals are backed up, one backup each.',
  'sources.*.exclude_database': 'Databases of the cluster to leave out, as patterns of \\d in psql.',
  'sources.*.role_passwords':
    'Back up the hashes of the passwords of roles too; only a superuser may read them.',
  'sources.*.exclude_schema': 'All but these schemas.',
  'sources.*.table': 'Only these tables.',
  'sources.*.exclude_table': 'All but these tables.',
  'sources.*.exclude_table_data': 'Tables that are backed up without their rows.',
  'sources.*.lock_timeout': 'How long a dump waits for a locked table; 0 waits for ever. Default: 60s.',
  'sources.*.proof':
    'What is recorded of the contents, so that drills can compare it: off, count (rows), fast (hashes), sha256 (hashes that others can compute). Of directories, and of plain dumps in files, fast and sha256 are the same. Default: fast.',
  'sources.*.count_rows': 'The older spelling: false means proof: off.',
  'sources.*.trust_dump': 'Drills run the dumps of this source as a superuser. Default: false.',
  'sources.*.drill_on':
    'The name of a target: drills of this source restore on its server. Default: a temporary server of the drill.',
  'sources.*.exclude': 'Files to leave out, as tar does: "*.tmp" anywhere, "./cache" only at the top.',
  'sources.*.include': 'With type logs: only files that match.',
  'sources.*.since': 'With type logs: only files changed since then: 24h, 7d, 2026-11-24.',
  'sources.*.no_backup_for': 'The source is overdue without a complete backup for so long: 24h, 7d.',
  'sources.*.drill_within':
    'A drill proves the source within so long: 7d, 30d; off: never. Default: verification.drill_within.',
  'sources.*.one_file_system': 'Leaves out other file systems below the directory. Default: false.',
  'sources.*.allow': 'Does not fail because of such files or selections, but lists them.',
  'sources.*.before':
    'Programs that run before the source is read: [/path/of/program, argument], or a list of such lists. A failure stops the backup.',
  'sources.*.after': 'Programs that run when the backup has ended, however it ended.',
  targets: 'Where backups may be restored to: a name for each database or folder.',
  'targets.*': 'A database or a folder to restore into: postgres or directory.',
  'targets.*.postgres': 'The URL of the database. Write its password as a variable, not as text.',
  'targets.*.directory':
    'The absolute path of a folder: a new one, or one that a restore with overwrite replaces.',
  'targets.*.project': 'API keys of this project may restore to it. Default: only keys without a project.',
  retention: 'How backups are erased that no rule keeps.',
  'retention.notice':
    'How long after its announcement a backup is erased: 24h, 7d; 90d at most. Default: at once.',
  notifications: 'Who is notified when something is wrong.',
  'notifications.chat':
    'true: the chat of the backups; false: none; or the id of a chat in quotation marks. Default: true.',
  'notifications.webhook': 'A URL that gets each notice as JSON by POST.',
  'notifications.heartbeat':
    'A URL that is called while all is well; its silence tells that something is wrong.',
  'notifications.heartbeat_every': 'How often the heartbeat is called: 1s to 24h. Default: 1m.',
  'notifications.no_backup_for':
    'A source is overdue after that time. Default: twice the interval of its schedule.',
  'notifications.smaller_than':
    'A backup below that share of the median of earlier ones is suspiciously small: 50%, or 0 for never. Default: 50%.',
  'notifications.waiting_for': 'A job that waits for longer is reported. Default: 1h.',
  'notifications.chat_without': 'Kinds of notices that the chat does not get.',
  'notifications.webhook_without': 'Kinds of notices that the webhook does not get.',
  verification: 'Automatic verification by serve.',
  'verification.read_all_within':
    'Within so long, every byte of each backup is read once: 30d; off: never. Default: 30d.',
  'verification.drill_within':
    'Within so long, the newest backup of each source is restored and compared: 30d; off: never. Default: 30d where serve has a private key, else off.',
  'verification.messages_per_hour':
    'How many messages verification checks or reads in an hour, at most. Default: 300.',
  objects: 'How serve keeps the objects of buckets. Changes take effect at the next start.',
  'objects.cache_bytes':
    'Room on the disk for packs of objects, encrypted as they are in the chat: 500M, 2G. Default: 2G.',
  http: 'The HTTP API of serve. Changes take effect at the next start.',
  'http.trust_proxy': 'How many proxies stand in front, or their addresses.',
  'http.hosts': 'Host names by which browsers may ask for the page, for example backup.example.',
  'http.public_url': 'Where people find the page, for links to sign in: https://backup.example.',
  'http.oidc': 'OpenID Connect providers, by which people sign in.',
  'http.oidc.name': 'In addresses and names of people: keycloak makes ann@keycloak.',
  'http.oidc.title': 'For people. Default: the name.',
  'http.oidc.preset': 'telegram: sign in with Telegram. Then issuer, scopes and the claim are known.',
  'http.oidc.issuer': 'The address by which the provider names itself.',
  'http.oidc.client_id': 'What the provider knows this service by. Telegram: the number of the bot.',
  'http.oidc.client_secret': 'Write it as a variable, not as text.',
  'http.oidc.scopes': 'Default: openid profile.',
  'http.oidc.roles': 'Who may do what. Who has no role cannot sign in.',
  'http.oidc.roles.claim': 'A claim of the ID token: groups, or realm_access.roles.',
  'http.oidc.roles.values': 'The role for each value of the claim; the highest counts.',
  'http.oidc.project': 'The only project that they see. Default: all.',
  'http.requests_per_minute': 'With one API key. Default: 300000.',
  'http.failed_logins_per_minute': 'With a wrong key, from one address. Default: 60.',
  'http.uploads_at_once': 'In one process. Default: 16.',
  'http.downloads_at_once': 'In one process. Default: 16.',
  'http.transfer_memory_mib': 'For uploads and downloads together, in MiB.',
  'http.stall_seconds': 'Ends a transfer when the other side does nothing for so long. Default: 60.',
  'http.certificate': 'The path of a certificate (PEM), for TLS.',
  'http.certificate_key': 'The path of its private key (PEM).',
}

/** The JSON schema of `telegram-backup.yaml` for editors: what may stand where, and what it means. */
export function describedStructure(): Schema {
  const { $schema, ...structure } = structureOfFile() as Schema
  return { $schema, title: 'telegram-backup.yaml', ...described(structure, []) }
}

/** A JSON schema as plain data. */
type Schema = Readonly<Record<string, unknown>>

function described(schema: Schema, path: readonly string[]): Schema {
  const description = WORDS[path.join('.')]
  return { ...(description !== undefined && { description }), ...belowDescribed(schema, path) }
}

function belowDescribed(schema: Schema, path: readonly string[]): Schema {
  return Object.fromEntries(
    Object.entries(schema)
      // The descriptions name the defaults; one of them depends on the machine.
      .filter(([keyword]) => keyword !== 'default')
      .map(([keyword, value]) => [keyword, describedIn(keyword, value, path)]),
  )
}

function describedIn(keyword: string, value: unknown, path: readonly string[]): unknown {
  if (keyword === 'items') return belowDescribed(value as Schema, path)
  if (keyword === 'anyOf') return (value as Schema[]).map(one => belowDescribed(one, path))
  if (typeof value !== 'object') return value
  if (keyword === 'additionalProperties') return described(value as Schema, [...path, '*'])
  if (keyword !== 'properties') return value
  return Object.fromEntries(
    Object.entries(value as Record<string, Schema>).map(([name, below]) => [
      name,
      described(below, [...path, name]),
    ]),
  )
}
