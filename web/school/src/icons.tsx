const PATHS = {
  overview: "M4 13h6V4H4v9Zm0 7h6v-4H4v4Zm10 0h6v-9h-6v9Zm0-16v4h6V4h-6Z",
  revenue: "M4 18l5-6 4 3 7-9M15 6h5v5",
  customers: "M9 11a3.5 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7Zm-6 9c0-3.300 2.700-6 6-6s6 2.700 6 6M16 4.500a3.500 3.500 0 0 1 0 6.500M18 14.500c1.800.9 3 2.900 3 5.500",
  quality: "M12 3.500l2.600 5.300 5.900.9-4.200 4.100 1 5.800-5.300-2.700-5.300 2.700 1-5.800L3.500 9.700l5.900-.9L12 3.500Z",
  operations: "M4 7h10M18 7h2M4 17h2M10 17h10M14 4.500v5M6 14.500v5M4 12h16",
  conversations: "M4 5h16v11H9.500L4 20V5Z",
  essays: "M6 3.500h8l4 4v13H6v-17Zm8 0v4h4M9 12h6M9 16h6",
  out: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 2.500v2M12 19.500v2M4.600 4.600 6 6M18 18l1.400 1.400M2.500 12h2M19.500 12h2M4.600 19.400 6 18M18 6l1.400-1.400",
  moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500Z",
  up: "M6 14l6-6 6 6",
  down: "M6 10l6 6 6-6",
  plus: "M12 5v14M5 12h14",
  send: "M4 12l16-8-6 16-3-7-7-1Z",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  file: "M12 4v11M7.500 8.500 12 4l4.500 4.500M4 16v4h16v-4",
  search: "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13ZM15.500 15.500 20 20",
  back: "M15 5l-7 7 7 7",
} as const;

export function Icon({ name, size = 20 }: { name: keyof typeof PATHS; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
