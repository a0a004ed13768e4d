import { PasswordInput, type PasswordInputProps } from '@mantine/core'
import { useWords } from '#words/language.tsx'

/** A field for a password, which can be shown. */
export function PasswordField(props: PasswordInputProps) {
  const { signIn } = useWords()
  return (
    <PasswordInput
      maxLength={1_000}
      visibilityToggleButtonProps={{ 'aria-label': signIn.showTyped }}
      {...props}
    />
  )
}
