import { Box, Progress, Text } from '@mantine/core'
import { useId } from 'react'
import { PasswordField } from '#shell/password-field.tsx'
import { FEWEST_CHARACTERS, isLongEnough, lengthOf, strengthOf } from '#shell/password-strength.ts'
import { useWords } from '#words/language.tsx'

const BARS = {
  weak: { value: 33, color: 'red' },
  fair: { value: 66, color: 'yellow' },
  good: { value: 100, color: 'teal' },
} as const

/** A password to be set, with how strong it is, in words and as a bar. */
export function NewPassword({
  label,
  value,
  onChange,
  isFirst = false,
}: {
  label: string
  value: string
  onChange: (value: string) => void
  /** Gets the focus in its dialog. */
  isFirst?: boolean
}) {
  const { signIn } = useWords()
  const strengthId = useId()
  const strength = strengthOf(value)
  const missing = FEWEST_CHARACTERS - lengthOf(value)
  return (
    <Box>
      <PasswordField
        label={label}
        description={signIn.link.rule}
        value={value}
        onChange={event => onChange(event.currentTarget.value)}
        autoComplete="new-password"
        aria-describedby={strengthId}
        data-autofocus={isFirst || undefined}
        mb="xs"
      />
      <Progress
        value={value === '' ? 0 : isLongEnough(value) ? BARS[strength].value : 10}
        color={isLongEnough(value) ? BARS[strength].color : 'gray'}
        size="xs"
        aria-label={signIn.strength.label}
        aria-hidden
      />
      <Text size="xs" id={strengthId} role="status" mih="1.2em">
        {value === '' ? '' : missing > 0 ? signIn.strength.missing(missing) : signIn.strength[strength]}
      </Text>
    </Box>
  )
}
