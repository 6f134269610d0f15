import type { BytesPerSecond } from "@penstock/common";

/** A run's rate at some time of the day. */
export interface PaceWindow {
  /** Local time, "HH:MM"; both or neither. Without them the window is always open. */
  readonly from?: string | undefined;
  /** The first minute after it. Before `from`: of the next day. */
  readonly to?: string | undefined;
  readonly rate: BytesPerSecond | undefined;
}

/** The first window that is open at this moment, by the clock on the wall. */
export function openWindow(windows: readonly PaceWindow[], now: Date): PaceWindow | undefined {
  const time = [now.getHours(), now.getMinutes()].map((n) => String(n).padStart(2, "0")).join(":");
  return windows.find((window) => isOpen(window, time));
}

function isOpen({ from, to }: PaceWindow, time: string): boolean {
  if (from === undefined || to === undefined) return true;
  return from < to ? from <= time && time < to : from <= time || time < to;
}
