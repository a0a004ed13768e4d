import { type CSSVariablesResolver, createTheme, type MantineThemeOverride } from '@mantine/core'

export const theme: MantineThemeOverride = createTheme({
  primaryColor: 'blue',
  // Of both shades, the one whose contrast with white text is 4.5 or more.
  primaryShade: { light: 8, dark: 8 },
  autoContrast: true,
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "Liberation Mono", monospace',
  headings: { fontWeight: '650' },
  components: {
    // Its placeholder for the focus is no entry of a menu: readers of screens stumble over it.
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
  },
})

/** For text on the tint of the same colour, where the light theme's own shade has a contrast below 4.5. */
const DARKER = { teal: '#066649', yellow: '#8a4700', orange: '#9c3008', red: '#b42525', green: '#226e31' }

/** What of the library's colours nobody could read. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: Object.fromEntries(
    Object.entries(DARKER).flatMap(([name, color]) =>
      ['light-color', 'outline', 'text'].map(use => [`--mantine-color-${name}-${use}`, color]),
    ),
  ),
  dark: {},
})
