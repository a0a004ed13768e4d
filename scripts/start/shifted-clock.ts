const MachineDate = Date

/** The clock of this process, while it shows another time than the machine's. */
export interface ShiftedClock {
  /** It shows this time now, and goes on from there. */
  setTo(time: Date): void
  /** Back to the machine's clock. */
  end(): void
}

/**
 * Replaces what this process takes for the present: `new Date()` and `Date.now()`. Timers and the servers
 * beside it keep the machine's time. A machine whose clock is wrong looks the same to the program.
 */
export function shiftClock(): ShiftedClock {
  let offsetMs = 0
  const now = (): number => MachineDate.now() + offsetMs
  // A proxy, not a subclass: times that were made before are still instances of it.
  globalThis.Date = new Proxy(MachineDate, {
    construct: (target, given, made) =>
      given.length === 0 ? new MachineDate(now()) : Reflect.construct(target, given, made),
    get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
  })
  return {
    setTo: time => {
      offsetMs = time.getTime() - MachineDate.now()
    },
    end: () => {
      globalThis.Date = MachineDate
    },
  }
}
