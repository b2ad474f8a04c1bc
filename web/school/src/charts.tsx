import type { ReactNode } from "react";
import {
  Area,
  AreaChart,
  Bar,
  BarChart,
  CartesianGrid,
  Cell,
  Pie,
  PieChart,
  ResponsiveContainer,
  Tooltip,
  type TooltipContentProps,
  XAxis,
  YAxis,
} from "recharts";
import type { Point, Share } from "./api";
import { compact, dayLabel, percent } from "./format";
import { Empty } from "./ui";

export const COLORS = ["var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c5)", "var(--c6)", "var(--c7)"];

const AXIS = { stroke: "none", tick: { fill: "var(--dim)", fontSize: 12 }, tickLine: false } as const;

function Tip({ step, format, unit }: { step: string; format: (value: number) => string; unit?: string }) {
  return function Shown({ active, label, payload }: TooltipContentProps) {
    if (!active || !payload?.length) return null;
    const counted = payload[0]?.payload?.count as number | undefined;
    const day = String(label ?? "");
    return (
      <div className="tip">
        <span>{/^\d{4}-/.test(day) ? dayLabel(day, step) : day}</span>
        {payload.map((line) => (
          <strong key={String(line.name)}>
            {payload.length > 1 && <i style={{ background: line.color }} />}
            {format(Number(line.value))}
            {payload.length > 1 && <small> {line.name}</small>}
          </strong>
        ))}
        {unit && counted !== undefined && <small>{`${compact(counted)} ${unit}`}</small>}
      </div>
    );
  };
}

interface LineProps {
  points: Point[];
  step: string;
  format: (value: number) => string;
  axis?: (value: number) => string;
  unit?: string;
  height?: number;
  /** A second line, such as refunds. */
  other?: { name: string; points: Point[] };
  name?: string;
  /** Where the axis ends; without it, above the highest point. */
  most?: number;
}

/** Numbers for an axis from 0 that people would choose: steps of 1, 2 or 5 with zeros, four or five of them. */
function steps(most: number) {
  const rough = Math.max(most, 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough)!);
  return Array.from({ length: Math.ceil(most / step || 1) + 1 }, (_, index) => index * step);
}

function vertical(most: number) {
  const ticks = steps(most);
  return { ticks, domain: [0, ticks.at(-1)!] as [number, number], interval: 0 } as const;
}

/** As high as the card beside it, and at least `height`. */
function Frame({ height, children }: { height: number; children: ReactNode }) {
  return (
    <div className="chart" style={{ minHeight: height }}>
      <div className="fill">{children}</div>
    </div>
  );
}

export function LineChart({ points, step, format, axis, unit, height = 260, other, name = "", most }: LineProps) {
  const data = points.map((point, index) => ({ ...point, other: other?.points[index]?.value }));
  const highest = most ?? Math.max(0, ...data.map((point) => Math.max(point.value, point.other ?? 0)));
  return (
    <Frame height={height}>
      <ResponsiveContainer>
        <AreaChart data={data} margin={{ top: 8, right: 8, left: 0, bottom: 0 }}>
          <defs>
            <linearGradient id="fill" x1="0" x2="0" y1="0" y2="1">
              <stop offset="0%" stopColor="var(--c1)" stopOpacity={0.28} />
              <stop offset="100%" stopColor="var(--c1)" stopOpacity={0} />
            </linearGradient>
          </defs>
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis dataKey="day" {...AXIS} height={24} minTickGap={44} tickFormatter={(day: string) => dayLabel(day, step)} />
          <YAxis {...AXIS} width={48} {...vertical(highest)} tickFormatter={axis ?? format} />
          <Tooltip content={Tip({ step, format, unit })} cursor={{ stroke: "var(--dim)", strokeDasharray: "3 3" }} />
          <Area
            name={name}
            type="monotone"
            dataKey="value"
            stroke="var(--c1)"
            strokeWidth={2.2}
            fill="url(#fill)"
            isAnimationActive={false}
            activeDot={{ r: 4, strokeWidth: 0 }}
          />
          {other && (
            <Area
              name={other.name}
              type="monotone"
              dataKey="other"
              stroke="var(--c4)"
              strokeWidth={2}
              fill="none"
              isAnimationActive={false}
            />
          )}
        </AreaChart>
      </ResponsiveContainer>
    </Frame>
  );
}

export function Columns({
  data,
  format,
  height = 220,
}: {
  data: { name: string; value: number }[];
  format: (value: number) => string;
  height?: number;
}) {
  return (
    <Frame height={height}>
      <ResponsiveContainer>
        <BarChart data={data} margin={{ top: 8, right: 8, left: 0, bottom: 0 }}>
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis dataKey="name" {...AXIS} height={24} interval="preserveStartEnd" />
          <YAxis {...AXIS} width={40} {...vertical(Math.max(0, ...data.map((column) => column.value)))} tickFormatter={compact} />
          <Tooltip content={Tip({ step: "day", format })} cursor={{ fill: "var(--hover)" }} />
          <Bar dataKey="value" fill="var(--c1)" radius={[5, 5, 0, 0]} maxBarSize={38} isAnimationActive={false} />
        </BarChart>
      </ResponsiveContainer>
    </Frame>
  );
}

export function Ring({ parts, format }: { parts: Share[]; format: (value: number) => string }) {
  if (!parts.length) return <Empty title="Nothing in this time" />;
  return (
    <div className="ring">
      <div className="chart" style={{ height: 190 }}>
        <ResponsiveContainer>
          <PieChart>
            <Pie data={parts} dataKey="value" nameKey="name" innerRadius="66%" outerRadius="96%" paddingAngle={2} stroke="none" isAnimationActive={false}>
              {parts.map((part, index) => (
                <Cell key={part.name} fill={COLORS[index % COLORS.length]} />
              ))}
            </Pie>
          </PieChart>
        </ResponsiveContainer>
      </div>
      <Legend parts={parts} format={format} />
    </div>
  );
}

function Legend({ parts, format }: { parts: Share[]; format: (value: number) => string }) {
  return (
    <ul className="legend">
      {parts.map((part, index) => (
        <li key={part.name}>
          <i style={{ background: COLORS[index % COLORS.length] }} />
          <span>{part.name}</span>
          <strong>{format(part.value)}</strong>
          <small>{percent(part.share)}</small>
        </li>
      ))}
    </ul>
  );
}

/** Parts as bars with their names, for more of them than a ring can show. */
export function Bars({ parts, format }: { parts: Share[]; format: (value: number) => string }) {
  if (!parts.length) return <Empty title="Nothing in this time" />;
  const most = Math.max(...parts.map((part) => part.value), 1);
  return (
    <ul className="bars">
      {parts.map((part) => (
        <li key={part.name}>
          <span>{part.name}</span>
          <span className="track">
            <span style={{ width: `${(100 * part.value) / most}%` }} />
          </span>
          <strong>{format(part.value)}</strong>
        </li>
      ))}
    </ul>
  );
}
