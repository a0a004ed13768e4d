import { Button } from '@mantine/core'
import { useState } from 'react'
import { cutText, PlainText, visibleText } from '#format/plain-text.tsx'
import { useWords } from '#words/language.tsx'

/** A text from outside that a person may need to the end, such as an error: a long one opens. */
export function LongText({ children }: { children: string | null | undefined }) {
  const { states } = useWords()
  const [isOpen, setOpen] = useState(false)
  const whole = visibleText(children ?? '')
  if (isOpen) return <bdi>{whole}</bdi>
  return (
    <>
      <PlainText>{children}</PlainText>
      {cutText(whole) === whole ? null : (
        <>
          {' '}
          <Button size="compact-xs" variant="default" aria-expanded={false} onClick={() => setOpen(true)}>
            {states.more}
          </Button>
        </>
      )}
    </>
  )
}
