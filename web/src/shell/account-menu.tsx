import { ActionIcon, Menu, Text } from '@mantine/core'
import User from 'lucide-react/icons/user'
import { PlainText } from '#format/plain-text.tsx'
import { useWhoAmI } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** Who is signed in, and signing out. */
export function AccountMenu() {
  const { shell } = useWords()
  const { who, role, projects } = useWhoAmI()
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label={shell.account(who)}>
          <User size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" fw={600} component="span">
            <PlainText>{who}</PlainText>
          </Text>
          <br />
          {role === null ? '–' : shell.roles[role]} · {projects?.join(', ') ?? shell.allProjects}
        </Menu.Label>
      </Menu.Dropdown>
    </Menu>
  )
}
