/** A point in time for people, with the exact one behind it. */

import type { ReactNode } from "react";

const TIMES = {
  minute: new Intl.DateTimeFormat(undefined, { timeStyle: "short" }),
  second: new Intl.DateTimeFormat(undefined, { timeStyle: "medium" }),
} as const;
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

interface MomentProps {
  readonly timestamp: string;
  readonly to: keyof typeof TIMES;
}

export function Moment({ timestamp, to }: MomentProps): ReactNode {
  const date = new Date(timestamp);
  const time = TIMES[to].format(date);
  const isToday = DAY.format(date) === DAY.format(new Date());
  return (
    <time dateTime={timestamp} title={timestamp}>
      {isToday ? time : `${DAY.format(date)}, ${time}`}
    </time>
  );
}
