import { type ReactNode, useState } from 'react'
import { Confirm } from '#acts/confirm.tsx'
import { SecretOnce } from '#acts/secret-once.tsx'
import { useAct } from '#acts/use-act.ts'
import { visibleText } from '#format/plain-text.tsx'
import type { ListedKey } from '#keys/key-table.tsx'
import { useWords } from '#words/language.tsx'

/** What is said of keys of one kind. */
interface KeyActWords {
  shownTitle: (name: string) => string
  shownText: string
  label: string
  revokeTitle: (name: string) => string
  revokeText: string
}

/** Makes keys, shows each new one once, and revokes keys, after a question. */
export function KeyActs<Key extends ListedKey, Made extends { name: string }>({
  words,
  dialog,
  secretOf,
  revoke,
  changed,
  children,
}: {
  words: KeyActWords
  /** What asks for the terms of a new key. */
  dialog: (of: { created: (key: Made) => void; close: () => void }) => ReactNode
  /** What a person copies of a new key. */
  secretOf: (key: Made) => string
  revoke: (key: Key) => Promise<unknown>
  /** After a key was made or revoked. */
  changed: () => Promise<unknown>
  /** What shows the keys, and the button that makes one. */
  children: (acts: { create: () => void; revoke: (key: Key) => void }) => ReactNode
}) {
  const { keys } = useWords()
  const [isCreating, setCreating] = useState(false)
  const [made, setMade] = useState<Made>()
  const [asked, setAsked] = useState<Key>()
  const act = useAct(
    async (key: Key) => {
      await revoke(key)
      await changed()
    },
    keys.revoked,
    { needsFactor: true },
  )
  const created = (key: Made): void => {
    setCreating(false)
    setMade(key)
    void changed()
  }
  return (
    <>
      {children({ create: () => setCreating(true), revoke: setAsked })}
      {isCreating ? dialog({ created, close: () => setCreating(false) }) : null}
      {made === undefined ? null : (
        <SecretOnce
          title={words.shownTitle(visibleText(made.name))}
          text={words.shownText}
          label={words.label}
          secret={secretOf(made)}
          close={() => setMade(undefined)}
        />
      )}
      {asked === undefined ? null : (
        <Confirm
          title={words.revokeTitle(visibleText(asked.name))}
          words={{ confirm: keys.revoke, cancel: keys.cancel }}
          isRunning={act.isRunning}
          close={() => setAsked(undefined)}
          confirm={() => void act.run(asked).then(isDone => isDone && setAsked(undefined))}
        >
          {words.revokeText}
        </Confirm>
      )}
    </>
  )
}
