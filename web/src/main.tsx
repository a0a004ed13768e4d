import '@mantine/core/styles.css'
import '#shell/global.css'
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { setNonce } from 'get-nonce'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { NoticeCorner } from '#acts/notice-corner.tsx'
import { basePath, configureClient } from '#api/client.ts'
import { createQueryClient } from '#api/query-client.ts'
import { createPageRouter } from '#router.tsx'
import { cssVariables, theme } from '#shell/theme.ts'
import { LanguageProvider } from '#words/language.tsx'

const nonce = document.querySelector<HTMLScriptElement>('script[nonce]')?.nonce ?? ''
// Libraries that add a style tag of their own (scroll locks of dialogs) ask there.
setNonce(nonce)
configureClient()

const queryClient = createQueryClient()
const router = createPageRouter(queryClient, basePath())
const root = document.getElementById('root')
if (root === null) throw new Error('The page has no root element')

createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <LanguageProvider>
        <QueryClientProvider client={queryClient}>
          <NoticeCorner />
          <RouterProvider router={router} />
        </QueryClientProvider>
      </LanguageProvider>
    </MantineProvider>
  </StrictMode>,
)
