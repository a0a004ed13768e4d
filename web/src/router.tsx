import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
} from '@tanstack/react-router'
import { asProblem } from '#api/problem.ts'
import { readAuditSearch } from '#screens/audit/audit-search.ts'
import { readBackupSearch } from '#screens/backups/backup-search.ts'
import { readJobsSearch } from '#screens/jobs/jobs-search.ts'
import { readPeopleSearch } from '#screens/people/people-search.ts'
import { readProofSearch } from '#screens/proof/proof-search.ts'
import { readRestoreSearch } from '#screens/restore/restore-search.ts'
import { readSchedulesSearch } from '#screens/schedules/schedules-search.ts'
import { only } from '#shell/search.ts'
import { SignedIn } from '#shell/signed-in.tsx'
import { Failed, Loading, NotFound, PartAway } from '#shell/states.tsx'

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({ component: Outlet })

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: only(({ to }): { to?: string } => (typeof to === 'string' ? { to } : {})),
  component: lazyRouteComponent(() => import('#screens/sign-in/sign-in-screen.tsx'), 'SignInScreen'),
})
const provider = createRoute({
  getParentRoute: () => root,
  path: '/sign-in/$provider',
  component: lazyRouteComponent(() => import('#screens/sign-in/provider-screen.tsx'), 'ProviderScreen'),
})
const link = createRoute({
  getParentRoute: () => root,
  path: '/link',
  component: lazyRouteComponent(() => import('#screens/sign-in/link-screen.tsx'), 'LinkScreen'),
})

const signedIn = createRoute({ getParentRoute: () => root, id: 'signed-in', component: SignedIn })

const overview = createRoute({
  getParentRoute: () => signedIn,
  path: '/',
  component: lazyRouteComponent(() => import('#screens/overview/overview-screen.tsx'), 'OverviewScreen'),
})
const backups = createRoute({
  getParentRoute: () => signedIn,
  path: '/backups',
  validateSearch: only(readBackupSearch),
  component: lazyRouteComponent(() => import('#screens/backups/backups-screen.tsx'), 'BackupsScreen'),
})
const backup = createRoute({
  getParentRoute: () => signedIn,
  path: '/backups/$id',
  component: lazyRouteComponent(() => import('#screens/backup/backup-screen.tsx'), 'BackupScreen'),
})
const restore = createRoute({
  getParentRoute: () => signedIn,
  path: '/backups/$id/restore',
  validateSearch: only(readRestoreSearch),
  component: lazyRouteComponent(() => import('#screens/restore/restore-screen.tsx'), 'RestoreScreen'),
})
const jobs = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs',
  validateSearch: only(readJobsSearch),
  component: lazyRouteComponent(() => import('#screens/jobs/jobs-screen.tsx'), 'JobsScreen'),
})
const job = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs/$id',
  component: lazyRouteComponent(() => import('#screens/job/job-screen.tsx'), 'JobScreen'),
})
const schedules = createRoute({
  getParentRoute: () => signedIn,
  path: '/schedules',
  validateSearch: only(readSchedulesSearch),
  component: lazyRouteComponent(() => import('#screens/schedules/schedules-screen.tsx'), 'SchedulesScreen'),
})
const sources = createRoute({
  getParentRoute: () => signedIn,
  path: '/sources',
  component: lazyRouteComponent(() => import('#screens/sources/sources-screen.tsx'), 'SourcesScreen'),
})
const source = createRoute({
  getParentRoute: () => signedIn,
  path: '/sources/$name',
  component: lazyRouteComponent(() => import('#screens/source/source-screen.tsx'), 'SourceScreen'),
})
const buckets = createRoute({
  getParentRoute: () => signedIn,
  path: '/buckets',
  component: lazyRouteComponent(() => import('#screens/buckets/buckets-screen.tsx'), 'BucketsScreen'),
})
const bucket = createRoute({
  getParentRoute: () => signedIn,
  path: '/buckets/$id',
  component: lazyRouteComponent(() => import('#screens/bucket/bucket-screen.tsx'), 'BucketScreen'),
})
const proof = createRoute({
  getParentRoute: () => signedIn,
  path: '/proof',
  validateSearch: only(readProofSearch),
  component: lazyRouteComponent(() => import('#screens/proof/proof-screen.tsx'), 'ProofScreen'),
})
const drill = createRoute({
  getParentRoute: () => signedIn,
  path: '/proof/$id',
  component: lazyRouteComponent(() => import('#screens/proof/drill-screen.tsx'), 'DrillScreen'),
})
const people = createRoute({
  getParentRoute: () => signedIn,
  path: '/people',
  validateSearch: only(readPeopleSearch),
  component: lazyRouteComponent(() => import('#screens/people/people-screen.tsx'), 'PeopleScreen'),
})
const audit = createRoute({
  getParentRoute: () => signedIn,
  path: '/audit',
  validateSearch: only(readAuditSearch),
  component: lazyRouteComponent(() => import('#screens/audit/audit-screen.tsx'), 'AuditScreen'),
})

const tree = root.addChildren([
  signIn,
  provider,
  link,
  signedIn.addChildren([
    overview,
    backups,
    backup,
    restore,
    jobs,
    job,
    schedules,
    sources,
    source,
    buckets,
    bucket,
    proof,
    drill,
    people,
    audit,
  ]),
])

/** The screens of the page. `basepath`: where the page is, as `/` or `/below/a/proxy/`. */
export function createPageRouter(queryClient: QueryClient, basepath: string) {
  return createRouter({
    routeTree: tree,
    basepath,
    context: { queryClient },
    defaultPreload: 'intent',
    defaultPendingComponent: Loading,
    defaultNotFoundComponent: NotFound,
    defaultErrorComponent: ({ error, reset }) =>
      isOfScript(error) ? <PartAway /> : <Failed problem={asProblem(error)} retry={reset} />,
    scrollRestoration: true,
  })
}

/** A part of the page could not be fetched: the server is away, or was upgraded. Only a reload helps then. */
function isOfScript(error: unknown): boolean {
  return error instanceof Error && /imported module|module script|preload CSS/i.test(error.message)
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createPageRouter>
  }
}
