import { Text } from '@mantine/core'
import type { Reason } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { useNow } from '#format/now.ts'
import { PlainText } from '#format/plain-text.tsx'
import { reasonWords } from '#screens/overview/reason-words.ts'
import { REMEDY_SCREENS } from '#screens/overview/remedies.ts'
import { AnchorLink } from '#shell/links.tsx'
import { useLanguage } from '#words/language.tsx'

/** One reason of a state: what is wrong, for how long, and what to do. */
export function ReasonText({ reason }: { reason: Reason }) {
  const { words } = useLanguage()
  const { alerts } = words
  const format = useFormat()
  const now = useNow()
  const { code, text, since } = reason
  const own = reasonWords(code, words)
  const screen = REMEDY_SCREENS[code]
  return (
    <Text size="sm" component="div">
      <ServerText title={own?.title} text={text} />
      {since === null ? null : (
        <Text span c="dimmed" size="sm">
          {' '}
          ({alerts.lasting(format.seconds((now - Date.parse(since)) / 1_000))})
        </Text>
      )}
      {own === undefined || own.act === '' ? null : (
        <Text size="sm">
          →{' '}
          {screen === undefined ? (
            own.act
          ) : (
            <AnchorLink to={screen} size="sm">
              {own.act}
            </AnchorLink>
          )}
        </Text>
      )}
    </Text>
  )
}

/**
 * What the server says, in English. In another language the title says it, and the words of the server, which
 * know more, stand below.
 */
export function ServerText({ title, text }: { title: string | undefined; text: string }) {
  const { language } = useLanguage()
  if (language === 'en' || title === undefined) return <PlainText>{text}</PlainText>
  return (
    <>
      {title}
      <Text size="xs" c="dimmed" lang="en">
        <PlainText>{text}</PlainText>
      </Text>
    </>
  )
}
