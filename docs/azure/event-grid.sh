#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Brings the alerts of Defender for Cloud to cordon by way of Event Grid: a topic, the workflow that
# puts alerts into it, and a subscription that delivers them to a hook of cordon, or into a storage
# queue for a cordon that cannot be reached from outside. What is there already is brought up to date.
#
#   event-grid.sh --group GROUP --topic NAME --hook https://HOST/hooks/SOURCE --tenant ID --audience URI
#   event-grid.sh --group GROUP --topic NAME --queue STORAGE-ACCOUNT-ID/queueservices/default/queues/QUEUE
#
# With --hook each delivery carries a token of Entra ID for the audience: the application id URI of an
# application that was registered for cordon, whose role AzureEventGridSecureWebhookSubscriber the
# caller and Event Grid's own application hold. In cordon.lua:
#
#   sources = { azure = { kind = "cloudevents", auth = { jwt = { issuer = ..., audience = URI, tenant = ID } } } }
#
# Needs az, signed in with the rights to create all this in GROUP.
set -euo pipefail

usage() {
    sed -n '3,/^set -euo/{/^set/d;s/^# \{0,1\}//;p;}' "$0"
    exit 2
}
group='' topic='' hook='' tenant='' audience='' queue=''
while (($# > 1)); do
    case $1 in
    --group) group=$2 ;;
    --topic) topic=$2 ;;
    --hook) hook=$2 ;;
    --tenant) tenant=$2 ;;
    --audience) audience=$2 ;;
    --queue) queue=$2 ;;
    *) usage ;;
    esac
    shift 2
done
if [ $# != 0 ] || [ -z "$group" ] || [ -z "$topic" ]; then usage; fi
if [ -n "$hook" ]; then
    # Without a token anybody who knows the address could send alerts.
    if [ -n "$queue" ] || [ -z "$tenant" ] || [ -z "$audience" ]; then usage; fi
    case $hook in https://*) ;; *) usage ;; esac
else
    [ -n "$queue" ] || usage
fi
here=$(cd "$(dirname "$0")" && pwd)

echo "topic $topic" >&2
az eventgrid topic create --resource-group "$group" --name "$topic" \
    --input-schema cloudeventschemav1_0 --output none
az eventgrid topic update --resource-group "$group" --name "$topic" \
    --set disableLocalAuth=true --output none # tokens only: no keys that could leak
topic_id=$(az eventgrid topic show --resource-group "$group" --name "$topic" --query id --output tsv)
endpoint=$(az eventgrid topic show --resource-group "$group" --name "$topic" --query endpoint --output tsv)

echo "workflow $topic-forward" >&2
principal=$(az deployment group create --resource-group "$group" --name "$topic-forward" \
    --template-file "$here/logic-app-defender.json" \
    --parameters name="$topic-forward" targetUri="$endpoint" \
    audience=https://eventgrid.azure.net asCloudEvent=true \
    --query properties.outputs.principalId.value --output tsv)
az role assignment create --assignee-object-id "$principal" \
    --assignee-principal-type ServicePrincipal --role "EventGrid Data Sender" \
    --scope "$topic_id" --output none

echo "subscription $topic-cordon" >&2
common=(--name "$topic-cordon" --source-resource-id "$topic_id"
    --event-delivery-schema cloudeventschemav1_0 --max-delivery-attempts 30
    --event-ttl 1440 --output none)
if [ -n "$hook" ]; then
    az eventgrid event-subscription create "${common[@]}" --endpoint-type webhook \
        --endpoint "$hook" --azure-active-directory-tenant-id "$tenant" \
        --azure-active-directory-application-id-or-uri "$audience"
else
    az eventgrid event-subscription create "${common[@]}" --endpoint-type storagequeue \
        --endpoint "$queue"
fi
echo "alerts go from Defender for Cloud to $topic, and from there to ${hook:-$queue}" >&2
