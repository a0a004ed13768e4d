import Archive from 'lucide-react/icons/archive'
import Boxes from 'lucide-react/icons/boxes'
import CalendarClock from 'lucide-react/icons/calendar-clock'
import Database from 'lucide-react/icons/database'
import History from 'lucide-react/icons/history'
import LayoutDashboard from 'lucide-react/icons/layout-dashboard'
import ListChecks from 'lucide-react/icons/list-checks'
import ShieldCheck from 'lucide-react/icons/shield-check'
import Users from 'lucide-react/icons/users'

/** The screens, in the order of the navigation; `name` is a text of the shell. */
export const NAVIGATION = [
  { to: '/', name: 'overview', Icon: LayoutDashboard },
  { to: '/backups', name: 'backups', Icon: Archive },
  { to: '/jobs', name: 'jobs', Icon: ListChecks },
  { to: '/schedules', name: 'schedules', Icon: CalendarClock },
  { to: '/sources', name: 'sources', Icon: Database },
  { to: '/buckets', name: 'buckets', Icon: Boxes },
  { to: '/proof', name: 'proof', Icon: ShieldCheck },
  { to: '/people', name: 'people', Icon: Users, forAdmins: true },
  { to: '/audit', name: 'audit', Icon: History, forAdmins: true },
] as const satisfies readonly { to: string; name: string; Icon: unknown; forAdmins?: boolean }[]
