import { Menu, useMantineColorScheme } from '@mantine/core'
import Check from 'lucide-react/icons/check'
import type { ReactElement } from 'react'
import { OpenedMenu } from '#shell/opened-menu.tsx'
import { useLanguage } from '#words/language.tsx'
import { LANGUAGE_NAMES, LANGUAGES } from '#words/languages.ts'

const SCHEMES = ['light', 'dark', 'auto'] as const

/** Colours and language; both are kept in this browser. */
export function PreferencesMenu({ target }: { target: ReactElement }) {
  const { language, words, choose } = useLanguage()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const { shell } = words
  return (
    <OpenedMenu target={target}>
      <Menu.Dropdown>
        <Menu.Label>{shell.language}</Menu.Label>
        {LANGUAGES.map(one => (
          <Menu.Item
            key={one}
            lang={one}
            onClick={() => choose(one)}
            rightSection={one === language ? <Check size={14} aria-hidden /> : undefined}
            aria-current={one === language ? 'true' : undefined}
          >
            {LANGUAGE_NAMES[one]}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Label>{shell.theme.label}</Menu.Label>
        {SCHEMES.map(one => (
          <Menu.Item
            key={one}
            onClick={() => setColorScheme(one)}
            rightSection={one === colorScheme ? <Check size={14} aria-hidden /> : undefined}
            aria-current={one === colorScheme ? 'true' : undefined}
          >
            {shell.theme[one]}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </OpenedMenu>
  )
}
