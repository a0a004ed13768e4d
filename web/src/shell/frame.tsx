import { AppShell, Burger, Container, Group, NavLink, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { type FocusEvent, type KeyboardEvent, lazy, Suspense, useEffect, useRef } from 'react'
import { answerFactor, useIsFactorAsked } from '#acts/factor.ts'
import { LiveStateContext, useLive } from '#live/live-state.tsx'
import { AccountButton } from '#shell/account-button.tsx'
import { contentProps, focusContent, useFocusOnNewScreen } from '#shell/focus-content.ts'
import { LiveBadge } from '#shell/live-badge.tsx'
import { NAVIGATION } from '#shell/navigation.ts'
import { PreferencesButton } from '#shell/preferences-button.tsx'
import { useSessionOfOtherTabs } from '#shell/session.ts'
import { Loading } from '#shell/states.tsx'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

const FactorDialog = lazy(async () => ({
  default: (await import('#shell/factor-dialog.tsx')).FactorDialog,
}))

/** What is around each screen of a person who is signed in. */
export function Frame() {
  const { shell } = useWords()
  const [isOpen, { toggle, open, close }] = useDisclosure()
  const burger = useRef<HTMLButtonElement>(null)
  const live = useLive()
  const isFactorAsked = useIsFactorAsked()
  useSessionOfOtherTabs(true)
  useFocusOnNewScreen()
  const isAdmin = useMay('admin')
  const path = useRouterState({ select: state => state.location.pathname })
  // biome-ignore lint/correctness/useExhaustiveDependencies: another screen closes the navigation of a phone.
  useEffect(close, [path])
  // An act that waits for the factor of this person must not be done by the next one who signs in.
  useEffect(() => () => answerFactor(false), [])
  const closeWhenLeft = ({ currentTarget, relatedTarget }: FocusEvent): void => {
    if (!currentTarget.contains(relatedTarget)) close()
  }
  const closeOnEscape = ({ key }: KeyboardEvent): void => {
    if (key === 'Escape') burger.current?.focus()
  }
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding="md"
    >
      <button type="button" className="skip-link" onClick={() => focusContent()}>
        {shell.skipToContent}
      </button>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              ref={burger}
              opened={isOpen}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={isOpen ? shell.closeNavigation : shell.openNavigation}
              aria-expanded={isOpen}
            />
            <Text fw={700} visibleFrom="xs">
              telegram-backup
            </Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <LiveBadge state={live} />
            <PreferencesButton />
            <AccountButton />
          </Group>
        </Group>
      </AppShell.Header>
      {/* On a phone it is beside the screen until the focus comes into it. */}
      <AppShell.Navbar
        p="xs"
        component="nav"
        aria-label={shell.navigation}
        onFocus={open}
        onBlur={closeWhenLeft}
        onKeyDown={closeOnEscape}
      >
        {NAVIGATION.filter(item => isAdmin || !('forAdmins' in item)).map(({ to, name, Icon }) => (
          <NavLink
            key={to}
            component={Link}
            to={to}
            label={shell[name]}
            leftSection={<Icon size={18} aria-hidden />}
            active={to === '/' ? path === '/' : path.startsWith(to)}
            aria-current={(to === '/' ? path === '/' : path.startsWith(to)) ? 'page' : undefined}
          />
        ))}
      </AppShell.Navbar>
      <AppShell.Main>
        <Container size="xl" px={0} {...contentProps}>
          <LiveStateContext value={live}>
            <Suspense fallback={<Loading />}>
              <Outlet />
            </Suspense>
          </LiveStateContext>
        </Container>
      </AppShell.Main>
      {isFactorAsked ? (
        <Suspense>
          <FactorDialog />
        </Suspense>
      ) : null}
    </AppShell>
  )
}
