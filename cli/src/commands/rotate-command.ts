import { findStored } from '@telegram-backup/engine/config/stored-setting.ts'
import { count } from '@telegram-backup/engine/units/human-units.ts'
import { describeError, ExitCode } from '@telegram-backup/errors'
import {
  type CommandContext,
  describeCommand,
  describeGroup,
  type RegisterCommand,
  usageError,
  withCatalog,
  withEngine,
} from '#commands/command.ts'
import { confirm } from '#commands/confirmation.ts'
import { askSecret } from '#commands/terminal-question.ts'

interface RotateOptions {
  yes?: boolean
  json?: boolean
}

const YES = { '--yes': 'do not ask for confirmation' }

/** `rotate`: changes the bot token, a public key, or the signing key. */
export const registerRotate: RegisterCommand = (program, run) => {
  const group = describeGroup(program.command('rotate'), {
    description:
      'replace the bot token, a public key or the signing key. Each is one command. The old one stays at work until the new one is in place; run the command again after an interruption',
    examples: [
      'telegram-backup rotate token',
      'telegram-backup rotate recipients --out new-key.txt',
      'telegram-backup rotate signer',
    ],
  })
  describeCommand(group.command('token'), {
    description:
      'store a new bot token where the old one is, after checking it and its rights in the chat. Get it from @BotFather: /revoke gives the same bot a new token, and the old one stops at once; /newbot makes another bot, which must first be an administrator of the chat',
    options: {
      '--token-file <file>': 'take the new token from this file, or from - (stdin), instead of asking for it',
      ...YES,
      '--without-rights': 'accept a bot that lacks the rights to edit, pin or delete',
    },
    examples: [
      'telegram-backup rotate token',
      'telegram-backup rotate token --token-file new-token.txt --yes',
    ],
  }).action((options: RotateOptions & { tokenFile?: string; withoutRights?: boolean }) =>
    run(context => rotateToken(context, options), options),
  )
  describeCommand(group.command('recipients'), {
    description:
      'replace a public key for new backups. Old backups still need the old private key. If this machine holds the old private key (BACKUP_AGE_IDENTITY_FILE), the new one is added to that file',
    options: {
      '--replace <key>': 'the public key to replace (age1…); needed if there are several',
      '--out <file>': 'make a new key pair, and write the private key here, readable only by its owner',
      '--recipient <key>': 'use this public key instead of a new key pair',
      ...YES,
    },
    examples: [
      'telegram-backup rotate recipients --out new-key.txt',
      'telegram-backup rotate recipients --replace age1old… --recipient age1new… --yes',
    ],
  }).action((options: RotateOptions & { replace?: string; out?: string; recipient?: string }) =>
    run(context => rotateRecipients(context, options), options),
  )
  describeCommand(group.command('signer'), {
    description:
      'make a new signing key. The old key names it, so a recovery card with the old fingerprint stays valid. If somebody has stolen the old key, use --stolen: then only a new card is valid',
    options: { '--stolen': 'the old key does not name the new one', ...YES },
    examples: ['telegram-backup rotate signer', 'telegram-backup rotate signer --stolen --yes'],
  }).action((options: RotateOptions & { stolen?: boolean }) =>
    run(context => rotateSigner(context, options), options),
  )
}

const RESTART =
  'A running "telegram-backup serve" still uses the old one: restart it (systemctl restart telegram-backup).'

async function rotateToken(
  context: CommandContext,
  {
    tokenFile,
    yes = false,
    withoutRights = false,
  }: RotateOptions & { tokenFile?: string; withoutRights?: boolean },
): Promise<ExitCode> {
  const { config, host, environment, signal, output, note } = context
  const stored = await findStored('TELEGRAM_BOT_TOKEN', host.env, environment)
  note(`The new token will be stored in ${stored.path}.`)
  const operation = await import('@telegram-backup/engine/operations/rotate-token.ts')
  const token =
    tokenFile === undefined
      ? await askSecret(context, 'New token (from @BotFather; it is not shown): ', '--token-file')
      : operation.readTokenFile(tokenFile === '-' ? '/dev/stdin' : tokenFile)
  if (tokenFile !== undefined) await confirm(context, { isAgreed: yes })
  const request = { token, mayLackRights: withoutRights }
  const done = await operation.rotateToken({ config, stored }, request, { signal })
  const { bot, isOtherBot, isChanged, path, missingRights } = done
  if (isChanged) {
    const { addToAudit } = await import('@telegram-backup/database')
    await withCatalog(context, ({ kysely, actor }) =>
      addToAudit(kysely, { actor, act: 'token.rotate', object: `@${bot}`, projectId: null }),
    ).catch((error: unknown) => {
      // The new token may be what makes the machine work again: it does not wait for the catalog.
      note(`warning: the change is not in the audit: ${describeError(error).message}`)
    })
  }
  const answer = {
    bot,
    is_other_bot: isOtherBot,
    changed: isChanged,
    file: path,
    missing_rights: missingRights,
  }
  output.answer(answer, () =>
    [
      isChanged
        ? `@${bot} works in the chat, and its token is in ${path}.`
        : `@${bot} works in the chat. ${path} already held this token.`,
      ...missingRights.map(right => `It lacks a right: ${right}.`),
      RESTART,
      ...(isOtherBot
        ? [
            'It is another bot. Old backups stay readable: it finds them by their messages.',
            'Next: telegram-backup reconcile (writes an index of this bot), then telegram-backup card (prints a new card).',
            'Keep the old bot in the chat until then. @BotFather revokes its token: /revoke.',
          ]
        : [
            'If the old token was stolen and not revoked yet: send /revoke to @BotFather, and run this again.',
          ]),
    ].join('\n'),
  )
  return ExitCode.DONE
}

async function rotateRecipients(
  context: CommandContext,
  options: RotateOptions & { replace?: string; out?: string; recipient?: string },
): Promise<ExitCode> {
  const { host, environment, signal, output, note } = context
  const { replace, out: keyFile, recipient, yes = false } = options
  if (keyFile !== undefined && recipient !== undefined)
    throw usageError('--out and --recipient cannot be combined', 'Give one of them.')
  const stored = await findStored('BACKUP_AGE_RECIPIENTS', host.env, environment)
  const operation = await import('@telegram-backup/engine/operations/rotate-recipients.ts')
  const request = { replace, keyFile, recipient }
  const done = await withEngine(context, async engine => {
    const plan = await operation.planRecipients(engine, request)
    for (const line of wordsOfPlan(plan)) note(line)
    await confirm(context, { isAgreed: yes })
    return await operation.rotateRecipients(engine, { request, plan, stored }, { signal, note })
  })
  const { replaced, recipients, identityFile, path, left, old } = done
  const answer = {
    replaced,
    recipient: done.recipient,
    recipients,
    key_file: keyFile ?? null,
    is_recovery_key: done.toConfirm !== undefined,
    identity_file: identityFile ?? null,
    file: path,
    old_backups: { count: old.count, pinned: old.pinned, last_expires_at: old.lastExpiresAt },
    indexes_left: left,
  }
  output.answer(answer, () =>
    [
      `New backups are encrypted for ${recipients.join(', ')} (${path}).`,
      ...(keyFile === undefined
        ? []
        : [
            `The new private key is in ${keyFile}. Keep a copy on another machine${recipients.length === 1 ? ': without it, no new backup can be decrypted' : ''}.`,
          ]),
      ...(identityFile === undefined
        ? []
        : [
            `${identityFile} holds the new private key as well as the old ones, so this machine can decrypt all backups.`,
          ]),
      ...(done.toConfirm === undefined ? [] : [`It is the recovery key now. ${done.toConfirm}`]),
      RESTART,
      'Next: telegram-backup card (prints a new card).',
    ].join('\n'),
  )
  for (const { chat_id, reason } of left)
    note(`warning: the index of chat ${chat_id} is still encrypted for the old key: ${reason}`)
  return left.length > 0 ? ExitCode.PARTIAL : ExitCode.DONE
}

function wordsOfPlan({
  replaced,
  oldKeyFile,
  old,
}: {
  replaced: string
  oldKeyFile: string | undefined
  old: { count: number; pinned: number; lastExpiresAt: Date | null }
}): string[] {
  const until =
    old.lastExpiresAt === null
      ? ''
      : ` Unless a policy or a pin keeps it, the last of them expires on ${old.lastExpiresAt.toISOString().slice(0, 10)}.`
  return [
    `Replaces ${replaced} for new backups.`,
    old.count === 0
      ? 'No backup needs the old private key.'
      : `Keep the old private key: ${count(old.count, 'backup')} may need it (pinned: ${old.pinned}).${until} They are not encrypted again.`,
    ...(oldKeyFile === undefined
      ? []
      : [
          `The old private key is still on this machine, in ${oldKeyFile}: copy it to another machine, then remove it here.`,
        ]),
  ]
}

async function rotateSigner(
  context: CommandContext,
  { stolen = false, yes = false }: RotateOptions & { stolen?: boolean },
): Promise<ExitCode> {
  const { config, signal, output, note } = context
  note(`Replaces the signing key ${config.signingKeyFile}.`)
  note(
    stolen
      ? 'The old key does not name the new one: old recovery cards prove nothing that is signed from now on.'
      : 'The old key names the new one: old recovery cards stay valid.',
  )
  await confirm(context, { isAgreed: yes })
  const operation = await import('@telegram-backup/engine/operations/rotate-signer.ts')
  const done = await withEngine(context, engine =>
    operation.rotateSigner(engine, { isChained: !stolen }, { signal, note }),
  )
  const { before, signer, isChained, isContinued, left } = done
  const answer = { before, signer, chained: isChained, continued: isContinued, indexes_left: left }
  output.answer(answer, () =>
    [
      ...(isContinued ? ['An interrupted change was finished.'] : []),
      `Signs from now on: ${signer}`,
      `Signed until now:  ${before}`,
      isChained
        ? 'Cards with the old fingerprint stay valid. A new card is simpler to check: telegram-backup card'
        : 'Print a new recovery card now, and destroy the old ones: telegram-backup card',
      'If other machines use the same key, copy the key file to them.',
      RESTART,
    ].join('\n'),
  )
  for (const { chat_id, reason } of left)
    note(`warning: the index of chat ${chat_id} is still signed by the old key: ${reason}`)
  return left.length > 0 ? ExitCode.PARTIAL : ExitCode.DONE
}
