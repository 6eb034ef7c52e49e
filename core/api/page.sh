#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Writes the console as one page to the standard output: index.html with the style sheet and the
# modules in it, in the order in which they use each other, so that the browser's policy can name
# both by their hashes and nothing else can run. The build calls it.
#
#   core/api/page.sh FOLDER
set -eu
folder=$1
modules="dom api dialogs plan glass gates runs pages app"

script() {
    for module in $modules; do
        sed -e '/^import .* from ".*";$/d' -e 's/^export //' "$folder/$module.js"
    done
}

while IFS= read -r line; do
    case $line in
    '<link rel="stylesheet"'*)
        printf '<style>' && cat "$folder/console.css" && printf '</style>\n'
        ;;
    '<script type="module"'*)
        printf '<script type="module">' && script && printf '</script>\n'
        ;;
    *) printf '%s\n' "$line" ;;
    esac
done <"$folder/index.html"
