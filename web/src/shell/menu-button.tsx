import { ActionIcon } from '@mantine/core'
import { type ComponentType, type ReactElement, useState } from 'react'

/** A menu that opens itself below its button, which is `target`. */
export type LoadedMenu = ComponentType<{ target: ReactElement }>

/**
 * A button whose menu is fetched when it is first wanted: menus are a tenth of the script of the page, and
 * most visits open none.
 */
export function MenuButton({
  label,
  icon,
  load,
}: {
  label: string
  icon: ReactElement
  load: () => Promise<LoadedMenu>
}) {
  const [Loaded, setLoaded] = useState<LoadedMenu>()
  const button = (more: { onClick?: () => void; loading?: boolean }): ReactElement => (
    <ActionIcon variant="default" size="lg" aria-label={label} aria-haspopup="menu" {...more}>
      {icon}
    </ActionIcon>
  )
  // Without the server there is no menu either; the button can be pressed again.
  const open = (): void => void load().then(loaded => setLoaded(() => loaded), ignore)
  return Loaded === undefined ? button({ onClick: open }) : <Loaded target={button({})} />
}

function ignore(): void {}
