#!/bin/sh
# install.sh PYTHON EXTRAS: install the package from this folder, with a line for each package as it comes.
python=$1
log=$(dirname "$python")/../install.log
echo "Installing into $(dirname "$(dirname "$python")"), only the first time; this takes a minute or two ..."
{
  PYTHONUNBUFFERED=1 "$python" -m pip --disable-pip-version-check --no-input install --retries 1 --timeout 15 \
    --progress-bar off --editable ".[$2]" 2>&1 && echo "install.sh: done"
} | tee "$log" | sed -n 's/^Collecting \([^ ]*\).*/  \1/p; s/^Installing collected packages.*/  ... putting them in place/p'
if tail -n 1 "$log" | grep -q '^install.sh: done$'; then
  exit 0
fi
if grep -qiE 'NewConnectionError|ConnectTimeout|Max retries|Temporary failure|Name or service|Network is unreachable|ProxyError|Read timed out' "$log"
then
  echo "The packages could not be downloaded: connect to the network (or give pip a mirror), then run make again." >&2
else
  echo "Installing failed; pip's own words:" >&2
  grep -E '^ *(ERROR|error)' "$log" >&2 || tail -n 5 "$log" >&2
fi
exit 1
