import { Select, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { FormDialog } from '#acts/form-dialog.tsx'
import { useAct } from '#acts/use-act.ts'
import { useWords } from '#words/language.tsx'

export type Expiry = '30d' | '90d' | '365d' | 'never'

/** What keys of all kinds have. */
export interface KeyTerms {
  name: string
  /** Undefined: it does not expire. */
  expires: string | undefined
}

/** Asks for the name of a new key and when it expires. What it may do is asked for by the children. */
export function CreateKeyDialog<Made>({
  title,
  nameHint,
  expiries,
  firstExpiry,
  isReady,
  create,
  created,
  close,
  children,
}: {
  title: string
  nameHint: string
  expiries: readonly Expiry[]
  /** The one that is chosen at first. */
  firstExpiry: Expiry
  /** Whether the children's inputs can be sent. */
  isReady: boolean
  create: (terms: KeyTerms) => Promise<Made>
  created: (key: Made) => void
  close: () => void
  children: ReactNode
}) {
  const { keys: words } = useWords()
  const [name, setName] = useState('')
  const [expires, setExpires] = useState(firstExpiry)
  const act = useAct(
    async () => {
      created(await create({ name: name.trim(), expires: expires === 'never' ? undefined : expires }))
    },
    undefined,
    { needsFactor: true },
  )
  return (
    <FormDialog
      title={title}
      words={{ submit: words.create, cancel: words.cancel }}
      isReady={isReady && name.trim() !== ''}
      isRunning={act.isRunning}
      submit={() => void act.run()}
      close={close}
    >
      <TextInput
        label={words.name}
        description={nameHint}
        value={name}
        onChange={event => setName(event.currentTarget.value)}
        maxLength={100}
        autoComplete="off"
        data-autofocus
        required
        withAsterisk={false}
      />
      {children}
      <Select
        label={words.expires}
        data={expiries.map(value => ({ value, label: words.expiry[value] }))}
        value={expires}
        onChange={chosen => setExpires(expiries.find(one => one === chosen) ?? firstExpiry)}
        allowDeselect={false}
      />
    </FormDialog>
  )
}
