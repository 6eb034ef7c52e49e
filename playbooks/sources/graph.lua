-- SPDX-License-Identifier: Apache-2.0
--
-- Microsoft Graph security: alerts (alerts_v2), incidents, and change notifications, which name
-- one of these and hold nothing of it: it is fetched by its id.

local function graph_type(event)
    return (alert.text(event, "@odata.type") or ""):lower()
end

local function is_notification(event)
    return type(alert.get(event, "changeType")) == "string"
        and type(alert.get(event, "subscriptionId")) == "string"
        and type(alert.get(event, "resource")) == "string"
end

local function is_alert(event)
    return graph_type(event):find("^#microsoft%.graph%.security%.alert$") ~= nil
        or (type(alert.get(event, "serviceSource")) == "string"
            and type(alert.get(event, "createdDateTime")) == "string")
end

local function is_incident(event)
    return graph_type(event):find("^#microsoft%.graph%.security%.incident$") ~= nil
        or graph_type(event):find("^#microsoft%.graph%.incident$") ~= nil
        or (type(alert.get(event, "incidentWebUrl")) == "string"
            and type(alert.get(event, "displayName")) == "string")
end

-- unknown and unknownFutureValue: what a sender cannot say is nothing to be afraid of more.
local function severity_of(event)
    local word = alert.text(event, "severity") or alert.refuse("the Graph alert has no severity")
    return word:lower():find("^unknown") and "informational" or word
end

-- -- What the evidence names --------------------------------------------------------------------

local evidence = {}

function evidence.ipEvidence(found, one)
    local address = alert.ip(alert.text(one, "ipAddress"))
    if address then found.ips[#found.ips + 1] = address end
end

function evidence.userEvidence(found, one)
    local account = alert.get(one, "userAccount")
    local name, domain = alert.text(account, "accountName"), alert.text(account, "domainName")
    found.accounts[#found.accounts + 1] = alert.text(account, "userPrincipalName")
        or (name and domain and domain .. "\\" .. name) or name
        or alert.text(account, "azureAdUserId")
end

function evidence.deviceEvidence(found, one)
    found.hosts[#found.hosts + 1] = alert.text(one, "deviceDnsName")
    alert.join(found.resources, alert.resources(alert.at(one, "vmMetadata", "resourceId")))
end

function evidence.urlEvidence(found, one)
    found.urls[#found.urls + 1] = alert.text(one, "url")
end

function evidence.fileEvidence(found, one)
    local file = alert.get(one, "fileDetails")
    local name, folder = alert.text(file, "fileName"), alert.text(file, "filePath")
    if not name then return end
    local between = folder and folder:find("\\", 1, true) and "\\" or "/"
    found.files[#found.files + 1] = folder and folder:gsub("[/\\]$", "") .. between .. name or name
end

function evidence.azureResourceEvidence(found, one)
    alert.join(found.resources, alert.resources(alert.get(one, "resourceId")))
end

local function entities_of(list)
    local found = { ips = {}, accounts = {}, hosts = {}, urls = {}, files = {}, resources = {} }
    for _, one in ipairs(alert.list(list)) do
        local kind = (alert.text(one, "@odata.type") or ""):match("^#microsoft%.graph%.security%.(%a+)$")
        local take = ({
            ipEvidence = evidence.ipEvidence, userEvidence = evidence.userEvidence,
            deviceEvidence = evidence.deviceEvidence, urlEvidence = evidence.urlEvidence,
            fileEvidence = evidence.fileEvidence,
            azureResourceEvidence = evidence.azureResourceEvidence,
        })[kind or ""]
        if take then take(found, one) end
    end
    local resources = found.resources
    found.resources = nil
    return found, resources
end

-- -- The three ----------------------------------------------------------------------------------

local function from_alert(event)
    local entities, resources = entities_of(alert.get(event, "evidence"))
    return {
        id = alert.text(event, "id"),
        source = "graph",
        type = alert.text(event, "detectorId", "category"),
        title = alert.text(event, "title"),
        severity = severity_of(event),
        status = alert.text(event, "status"),
        time = alert.time(alert.text(event, "createdDateTime")),
        tenant = alert.text(event, "tenantId"),
        subscription = alert.subscription(resources[1]),
        link = alert.text(event, "alertWebUrl"),
        resources = resources,
        entities = entities,
        tactics = alert.words(alert.get(event, "category")),
        techniques = alert.words(alert.get(event, "mitreTechniques")),
    }
end

-- An incident that was merged into another speaks for that one from then on, or a run would
-- lose its case.
local function from_incident(event)
    local id, merged = alert.text(event, "id"), alert.text(event, "redirectIncidentId")
    local children = {}
    for _, one in ipairs(alert.list(alert.get(event, "alerts"))) do
        children[#children + 1] = alert.text(one, "id")
    end
    if merged then children[#children + 1] = id end
    return {
        id = merged or id,
        source = "graph",
        type = "Incident",
        title = alert.text(event, "displayName"),
        severity = severity_of(event),
        status = merged and "active" or alert.text(event, "status"),
        time = alert.time(alert.text(event, "createdDateTime")),
        tenant = alert.text(event, "tenantId"),
        link = alert.text(event, "incidentWebUrl"),
        children = children,
    }
end

-- "security/alerts_v2/ID" and "security/alerts_v2('ID')" name the same.
local function from_notification(event)
    local resource = alert.text(event, "resource") or ""
    local kind, rest = resource:lower():match("security/(%a+_?v?2?)[/(](.*)$")
    local id = alert.text(alert.get(event, "resourceData"), "id")
    if rest and not id then id = resource:sub(-#rest):match("^'?([^')/]+)") end
    if kind ~= "alerts_v2" and kind ~= "incidents" then return nil end
    if not id then alert.refuse("the notification does not name what has changed") end
    return { fetch = kind == "incidents" and "graph-incidents" or "graph-alerts", id = id }
end

return {
    want = "an alert (alerts_v2), an incident, or a change notification of Graph security",

    is = function(event)
        return is_notification(event) or is_alert(event) or is_incident(event)
    end,

    adapt = function(event)
        if is_notification(event) then return from_notification(event) end
        if is_alert(event) then return from_alert(event) end
        return from_incident(event)
    end,
}
