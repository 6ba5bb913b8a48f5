/** The version of the OCI runtime specification that this runtime implements. */
export const OCI_VERSION = '1.3.0';
