#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Writes files as C arrays to the standard output: embedded_NAME, where NAME is the file's, with
# "_" for what C does not allow. The build calls it.
#
#   core/vm/embed.sh FILE...
set -eu
for file; do
    name=$(basename "$file" .lua | tr -c 'a-z0-9\n' _)
    printf 'static const unsigned char embedded_%s[] = {\n' "$name"
    od -An -v -tu1 "$file" | sed 's/\([0-9][0-9]*\)/\1,/g'
    printf '};\n'
done
