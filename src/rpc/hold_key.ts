/** The metadata entry by which a client's calls show that they belong to its hold of the devices. */
export const holdKey = "x-jumpstarter-hold";
