import User from 'lucide-react/icons/user'
import { visibleText } from '#format/plain-text.tsx'
import { type LoadedMenu, MenuButton } from '#shell/menu-button.tsx'
import { useWhoAmI } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** Opens the menu of the person who is signed in. */
export function AccountButton() {
  const { shell } = useWords()
  const { who } = useWhoAmI()
  return (
    <MenuButton label={shell.account(visibleText(who))} icon={<User size={18} aria-hidden />} load={load} />
  )
}

async function load(): Promise<LoadedMenu> {
  return (await import('#shell/account-menu.tsx')).AccountMenu
}
