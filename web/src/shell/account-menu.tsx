import { Menu, Text } from '@mantine/core'
import Fingerprint from 'lucide-react/icons/fingerprint-pattern'
import KeyRound from 'lucide-react/icons/key-round'
import LogOut from 'lucide-react/icons/log-out'
import MonitorSmartphone from 'lucide-react/icons/monitor-smartphone'
import { lazy, type ReactElement, Suspense, useState } from 'react'
import { useAct } from '#acts/use-act.ts'
import { PlainText } from '#format/plain-text.tsx'
import { MenuLink } from '#shell/menu-link.tsx'
import { OpenedMenu } from '#shell/opened-menu.tsx'
import { endSession } from '#shell/session.ts'
import { useWhoAmI } from '#shell/whoami.ts'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

const PasskeysDialog = lazy(async () => ({
  default: (await import('#shell/passkeys-dialog.tsx')).PasskeysDialog,
}))
const PasswordDialog = lazy(async () => ({
  default: (await import('#shell/password-dialog.tsx')).PasswordDialog,
}))

/** Who is signed in, their sessions and password, and signing out. */
export function AccountMenu({ target }: { target: ReactElement }) {
  const { shell, signIn } = useWords()
  const who = useWhoAmI()
  const [opened, setOpened] = useState<'password' | 'passkeys'>()
  const close = () => setOpened(undefined)
  const leave = useAct(endSession)
  const { role, projects } = who
  return (
    <>
      <OpenedMenu target={target}>
        <Menu.Dropdown maw="18rem">
          <Menu.Label>
            <Text size="sm" fw={600} component="span">
              <PlainText>{who.who}</PlainText>
            </Text>
            <br />
            {role === null ? '–' : wordOf(shell.roles, role)} ·{' '}
            {projects === null ? shell.allProjects : <PlainText>{projects.join(', ')}</PlainText>}
          </Menu.Label>
          {who.kind === 'key' ? null : (
            <>
              <MenuLink
                to="/people"
                search={{ tab: 'sessions' }}
                leftSection={<MonitorSmartphone size={16} aria-hidden />}
              >
                {signIn.account.sessions}
              </MenuLink>
              {/* People of a provider have none here. */}
              {who.factors.includes('oidc') ? null : (
                <Menu.Item
                  leftSection={<KeyRound size={16} aria-hidden />}
                  onClick={() => setOpened('password')}
                >
                  {who.has_password ? signIn.account.changePassword : signIn.account.setPassword}
                </Menu.Item>
              )}
              <Menu.Item
                leftSection={<Fingerprint size={16} aria-hidden />}
                onClick={() => setOpened('passkeys')}
              >
                {signIn.passkey.title}
              </Menu.Item>
              <Menu.Divider />
              <Menu.Item leftSection={<LogOut size={16} aria-hidden />} onClick={() => void leave.run()}>
                {shell.signOut}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </OpenedMenu>
      {opened === undefined ? null : (
        <Suspense>
          {opened === 'password' ? <PasswordDialog close={close} /> : <PasskeysDialog close={close} />}
        </Suspense>
      )}
    </>
  )
}
