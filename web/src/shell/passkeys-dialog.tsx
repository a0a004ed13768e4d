import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { say } from '#acts/notices.ts'
import { makePasskey, NoPasskey, whyNoPasskeys } from '#acts/passkey.ts'
import { useAct } from '#acts/use-act.ts'
import { listPasskeysOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { removePasskey } from '#api/generated/sdk.gen.ts'
import type { Passkey } from '#api/generated/types.gen.ts'
import { deviceOf } from '#format/device.ts'
import { PlainText, visibleText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { DataTable } from '#shell/data-table.tsx'
import { usePasskeyProblem } from '#shell/passkey-problem.ts'
import { SignInAlert } from '#shell/sign-in-alert.tsx'
import { Empty, QueryView } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

/** The passkeys of the person who is signed in: adding one, and removing them. */
export function PasskeysDialog({ close }: { close: () => void }) {
  const { people, signIn } = useWords()
  const { passkey: words } = signIn
  const query = useQuery(listPasskeysOptions())
  const why = whyNoPasskeys()
  return (
    <Modal
      opened
      onClose={close}
      size="lg"
      title={words.title}
      closeButtonProps={{ 'aria-label': people.close }}
    >
      <Stack>
        <Text size="sm">{words.text}</Text>
        <QueryView query={query}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title={words.empty} />
            ) : (
              <PasskeyTable items={items} changed={() => query.refetch()} />
            )
          }
        </QueryView>
        {why === undefined ? (
          <AddForm changed={() => query.refetch()} />
        ) : (
          <Text size="sm" c="dimmed">
            {words[why]}
          </Text>
        )}
      </Stack>
    </Modal>
  )
}

function PasskeyTable({ items, changed }: { items: readonly Passkey[]; changed: () => Promise<unknown> }) {
  const { people, signIn } = useWords()
  const { passkey: words } = signIn
  const remove = useAct(
    async (id: string) => {
      await removePasskey({ path: { id } })
      await changed()
    },
    words.removed,
    { needsFactor: true },
  )
  return (
    <DataTable
      caption={words.caption}
      rows={items}
      keyOf={({ id }) => id}
      columns={[
        {
          key: 'name',
          header: people.name,
          label: people.name,
          cell: ({ name }) => <PlainText>{name}</PlainText>,
        },
        {
          key: 'at',
          header: words.worksAt,
          label: words.worksAt,
          cell: ({ rp_id: host }) => <PlainText>{host}</PlainText>,
        },
        {
          key: 'added',
          header: words.addedAt,
          label: words.addedAt,
          cell: ({ created_at: at }) => <Time at={at} isRelative />,
        },
        {
          key: 'used',
          header: words.lastUsed,
          label: words.lastUsed,
          cell: ({ last_used_at: at }) => (at === null ? people.never : <Time at={at} isRelative />),
        },
        {
          key: 'acts',
          header: '',
          label: '',
          cell: ({ id, name }) => (
            <Button
              size="xs"
              variant="default"
              disabled={remove.isRunning}
              aria-label={words.removeOf(visibleText(name))}
              onClick={() => void remove.run(id)}
            >
              {words.remove}
            </Button>
          ),
        },
      ]}
    />
  )
}

function AddForm({ changed }: { changed: () => Promise<unknown> }) {
  const { signIn } = useWords()
  const { passkey: words } = signIn
  const [name, setName] = useState(() => nameOfThisDevice())
  const [none, setNone] = useState<NoPasskey>()
  const problem = usePasskeyProblem(none, 'FORBIDDEN')
  const add = useAct(
    async (of: string) => {
      try {
        await makePasskey(of)
        say({ text: words.added, isGood: true })
      } catch (error) {
        if (!(error instanceof NoPasskey)) throw error
        setNone(error)
      }
      await changed()
    },
    undefined,
    { needsFactor: true },
  )
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setNone(undefined)
    await add.run(name.trim())
  }
  return (
    <form onSubmit={event => void submit(event)}>
      <Stack>
        <TextInput
          label={words.name}
          description={words.nameHint}
          value={name}
          onChange={event => setName(event.currentTarget.value)}
          maxLength={60}
          required
          withAsterisk={false}
        />
        {problem === undefined ? null : <SignInAlert {...problem} />}
        <Group justify="flex-end">
          <Button type="submit" loading={add.isRunning} disabled={name.trim() === ''}>
            {words.add}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function nameOfThisDevice(): string {
  const device = deviceOf(navigator.userAgent)
  return device === undefined ? '' : `${device.browser}, ${device.system}`
}
