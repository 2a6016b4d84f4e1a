// SPDX-License-Identifier: Apache-2.0

// Starts, and thereby shows that every library Sidetone needs is found at link time and at run time.
int main() {}
