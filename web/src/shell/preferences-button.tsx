import Settings from 'lucide-react/icons/settings'
import { type LoadedMenu, MenuButton } from '#shell/menu-button.tsx'
import { useWords } from '#words/language.tsx'

/** Opens the menu of colours and languages. */
export function PreferencesButton() {
  const { shell } = useWords()
  return (
    <MenuButton
      label={`${shell.language}, ${shell.theme.label}`}
      icon={<Settings size={18} aria-hidden />}
      load={load}
    />
  )
}

async function load(): Promise<LoadedMenu> {
  return (await import('#shell/preferences-menu.tsx')).PreferencesMenu
}
