import type { BucketKind } from '@telegram-backup/database'

/** Telegram's own server, the default. */
export const TELEGRAMS_API_ROOT = 'https://api.telegram.org'

/** The contents of the recovery card, without any secret. */
export interface CardFacts {
  chatId: string
  chatTitle: string
  botUsername: string
  /** The second chat, which has a copy of all. */
  replicaChatId?: string | undefined
  /** Public keys; `off` when nothing is encrypted. */
  recipients: readonly string[] | 'off'
  /** Fingerprints of the keys that sign. */
  signers: readonly string[]
  /** Names of the buckets, with what stores in them. */
  buckets: readonly { name: string; kind: BucketKind }[]
  /** Null for a chat that has no index yet. */
  indexMessageId: number | null
  catalogId: string
  generation: number
  apiRoot: string
  writtenAt: Date
}

/** The card as plain text, two pages at most. Shell commands are indented by four blanks. */
export function writeCard(facts: CardFacts): string {
  const { recipients, replicaChatId } = facts
  const isEncrypted = recipients !== 'off'
  const open = isEncrypted ? 'age -d -i "$KEY" "$1"' : 'cat "$1"'
  return [
    'RECOVERY CARD of telegram-backup',
    `written ${facts.writtenAt.toISOString().slice(0, 10)}; write a new one when bot, chat or key change. No secret is on it.`,
    '',
    `chat         ${facts.chatTitle} (${facts.chatId})`,
    ...(replicaChatId === undefined ? [] : [`second chat  ${replicaChatId}, holds a copy of all`]),
    `bot          @${facts.botUsername}; its token: @BotFather, /mybots, API Token. Any other bot does too, once it`,
    '             is an administrator of the chat',
    ...(recipients === 'off'
      ? ['age key      none: the backups are not encrypted']
      : recipients.map(recipient => `age key      for ${recipient}`)),
    ...facts.signers.map(signer => `signed by    ${signer}`),
    `index        ${facts.indexMessageId === null ? 'none yet' : `message ${facts.indexMessageId} of the chat, pinned`}`,
    `catalog      ${facts.catalogId}, generation ${facts.generation}`,
    ...bucketLines(facts),
    '',
    'You need: the token, this card, and the key file (AGE-SECRET-KEY-1…) that you keep somewhere else. Keep with it a copy of',
    'telegram-backup.yaml and of the variables it refers to: they are not in the chat, and schedules need their sources.',
    '',
    'WITH THIS PROGRAM, on an empty machine with Node 24',
    '',
    ...indented([
      ...exportsOf(facts),
      `telegram-backup recover${facts.signers.map(signer => ` --signer ${signer}`).join('')}`,
      'telegram-backup list && telegram-backup restore ID --to TARGET',
      ...linesOfBuckets(facts),
    ]).map(line => line.slice(2)),
    '',
    'WITHOUT IT, with curl, age and zstd (apt-get install curl age zstd), in an empty folder. The lines are for bash; set TOKEN',
    'and KEY (the path of the key file) first. The token shows in the process list: use a machine of your own.',
    '',
    '1. The list of backups: name, and number of the manifest.',
    '',
    ...indented([
      ...LINES_OF_LIST.slice(0, 1),
      `CHAT=${facts.chatId} ROOT=${facts.apiRoot}`,
      `opened() { ${open}; }`,
      ...LINES_OF_LIST.slice(1),
    ]),
    '',
    'Is the pinned message not the index? Then forward message',
    `${facts.indexMessageId ?? 'N (any caption of ours ends in index=N)'} within the chat, and take its file_id for "file".`,
    '',
    '2. One of them, by its number (MANIFEST). Its bytes are in the file "restored" in the end, compared with the index;',
    '   files that its send left out (--allow) are counted.',
    '',
    ...indented(LINES_OF_BACKUP),
    '',
    '3. A database: the file is what pg_dump wrote. Never pipe it into psql: only a whole file may be restored.',
    '   createdb --template=template0 shop_restored, create the roles that it names, and set DATABASE to the new one’s URL.',
    '',
    ...indented(LINES_OF_DATABASE),
    '',
    '   A directory, or logs: the file is a tar.',
    '',
    ...indented(LINES_OF_DIRECTORY),
  ].join('\n')
}

/** A card names so many buckets at most: it has two pages. */
const MOST_BUCKETS = 8

function bucketLines({ buckets }: CardFacts): string[] {
  if (buckets.length === 0) return []
  const shown = buckets.slice(0, MOST_BUCKETS).map(({ name, kind }) => `${name} (${kind})`)
  const more = buckets.length > MOST_BUCKETS ? [`${buckets.length - MOST_BUCKETS} more`] : []
  return [
    `buckets      ${[...shown, ...more].join(', ')}`,
    ...(buckets.some(({ kind }) => kind === 'restic')
      ? [
          '             A restic repository has a password of its own. It is a second secret, and it is not in the chat: keep it',
          '             with the key file. Without it nobody can read the repository. Without this program: docs/format.md.',
        ]
      : []),
  ]
}

function linesOfBuckets({ buckets }: CardFacts): string[] {
  const [first] = buckets
  if (first === undefined) return []
  const restore =
    first.kind === 'restic'
      ? [
          'telegram-backup serve   # and in another terminal, with the user and the key that were printed:',
          'export RESTIC_REST_USERNAME=… RESTIC_REST_PASSWORD=…',
          `restic -r rest:http://127.0.0.1:8080/restic/${first.name}/ restore latest --target TARGET`,
        ]
      : []
  return [`telegram-backup doorkey create --bucket ${first.name} --scope full`, ...restore]
}

function exportsOf({ chatId, recipients, replicaChatId, apiRoot }: CardFacts): string[] {
  const encryption =
    recipients === 'off' ? 'BACKUP_ENCRYPTION=off' : `BACKUP_AGE_RECIPIENTS=${recipients.join(',')}`
  return [
    `export TELEGRAM_BOT_TOKEN=… TELEGRAM_CHAT_ID=${chatId} BACKUP_AGE_IDENTITY_FILE=…`,
    `export ${encryption}`,
    ...(replicaChatId === undefined ? [] : [`export TELEGRAM_REPLICA_CHAT_ID=${replicaChatId}`]),
    ...(apiRoot === TELEGRAMS_API_ROOT ? [] : [`export TELEGRAM_API_ROOT=${apiRoot}`]),
  ]
}

function indented(lines: readonly string[]): string[] {
  return lines.map(line => `    ${line}`)
}

const LINES_OF_LIST: readonly string[] = [
  'set -eu -o pipefail',
  'API=$ROOT/bot$TOKEN FILES=$ROOT/file/bot$TOKEN',
  String.raw`last() { sed 's/.*"'"$1"'": *"\([^"]*\)".*/\1/'; }`,
  'download() { # file_id, name',
  '  path=$(curl -fsS "$API/getFile" -d file_id="$1" | last file_path)',
  '  curl -fsS "$FILES/$path" -o "$2"',
  '}',
  'file=$(curl -fsS "$API/getChat" -d chat_id="$CHAT" | last file_id)',
  'download "$file" index && opened index | zstd -d -q > index.json',
  String.raw`grep -o '\\"filename\\":\\"[^"\\]*\|\\"manifest\\":{[^}]*\\"messageId\\":[0-9]*' index.json |`,
  String.raw`  sed 's/.*\\"//; s/^://' | paste - -`,
]

const LINES_OF_BACKUP: readonly string[] = [
  String.raw`entry=$(grep -o '\\"messageId\\":'"$MANIFEST"',[^]]*][^}]*' index.json)`,
  String.raw`messages=$(sed 's/.*partMessages[^[]*\[\([^]]*\).*/\1/' <<<"$entry" | tr , ' ')`,
  String.raw`sum=$(sed 's/.*plainSha256\\":\\"\([0-9a-f]*\).*/\1/' <<<"$entry")`,
  'save() { # message, name',
  '  copy=$(curl -fsS "$API/forwardMessage" -d chat_id="$CHAT" -d from_chat_id="$CHAT" -d message_id="$1")',
  '  download "$(last file_id <<<"$copy")" "$2"',
  String.raw`  id=$(sed 's/.*"result": *{"message_id": *\([0-9]*\).*/\1/' <<<"$copy")`,
  '  curl -fsS "$API/deleteMessage" -d chat_id="$CHAT" -d message_id="$id" > /dev/null',
  '}',
  'rm -f part.* restored manifest; number=0',
  'for message in $messages; do number=$((number + 1)); save "$message" "$(printf part.%06d "$number")"; done',
  'for part in part.*; do opened "$part" || exit 1; done | zstd -d -q -o restored',
  'echo "$sum  restored" | sha256sum -c -',
  '{ save "$MANIFEST" manifest && opened manifest | zstd -d -q > manifest.json; } ||',
  "  { : > manifest.json; echo 'The manifest cannot be read: whether files were left out is unknown'; }",
  String.raw`{ grep -o 'skipped_count\\":[1-9][0-9]*' manifest.json || true; } | sed 's/.*:/files missing or torn from the start: /'`,
]

const LINES_OF_DATABASE: readonly string[] = [
  "tail -n 8 restored | grep -q -- '-- PostgreSQL database dump complete'",
  "sed -i '1,40{/^SET transaction_timeout = 0;$/d}' restored",
  'psql -X -q -1 -v ON_ERROR_STOP=1 -f restored "$DATABASE" > /dev/null',
]

const LINES_OF_DIRECTORY: readonly string[] = [
  'mkdir "$TARGET"',
  'tar -x -p --warning=no-timestamp --acls --xattrs --xattrs-include=\'*\' -f restored -C "$TARGET"',
]
