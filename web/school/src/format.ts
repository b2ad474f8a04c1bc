const locale = navigator.language;

const euros = new Intl.NumberFormat(locale, { style: "currency", currency: "EUR", maximumFractionDigits: 0 });
const exact = new Intl.NumberFormat(locale, { style: "currency", currency: "EUR" });
const short = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
const dayMonth = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
const monthYear = new Intl.DateTimeFormat(locale, { month: "short", year: "2-digit", timeZone: "UTC" });
const dateTime = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

/** Cents as money without cents, for figures; with them, for single amounts. */
export const money = (cents: number) => euros.format(cents / 100);
export const price = (cents: number) => exact.format(cents / 100);
export const compact = (value: number) => short.format(value);
export const count = (value: number) => whole.format(value);
export const score = (value: number) => tenths.format(value);
export const percent = (value: number) => percents.format(value);
export const time = (at: number) => dateTime.format(at);

/** A day, or for steps of months, its month. */
export function dayLabel(day: string, step: string) {
  const at = new Date(`${day}T00:00:00Z`);
  return step === "month" ? monthYear.format(at) : dayMonth.format(at);
}

export function hours(milliseconds: number) {
  const value = milliseconds / 3_600_000;
  return value < 1 ? `${whole.format(value * 60)} min` : `${tenths.format(value)} h`;
}

export function ago(at: number) {
  const seconds = (at - Date.now()) / 1000;
  if (Math.abs(seconds) < 60) return relative.format(0, "second");
  const steps: [number, Intl.RelativeTimeFormatUnit][] = [[3600, "minute"], [86_400, "hour"], [2_592_000, "day"]];
  let size = 60;
  for (const [limit, unit] of steps) {
    if (Math.abs(seconds) < limit) return relative.format(Math.round(seconds / size), unit);
    size = limit;
  }
  return dateTime.format(at);
}

export const today = () => new Date().toISOString().slice(0, 10);
