#!/bin/sh
# Exit 0: this container works. Anything else: it does not, or not yet. What is printed stands in the Upgrade's status.
answer=$(printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 5 127.0.0.1 8080 | head -n 1)
echo "GET /: ${answer:-no answer}"
case $answer in *' 200 '*) exit 0 ;; *) exit 1 ;; esac
