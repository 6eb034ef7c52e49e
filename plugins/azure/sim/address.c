/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

enum { TEXT_MAX = 64 };

/* The service tags of network security groups; most can have a region behind a dot. */
static const char *const tags[] = {
    "ActionGroup",
    "ApiManagement",
    "AppConfiguration",
    "AppService",
    "AppServiceManagement",
    "AutonomousDevelopmentPlatform",
    "AzureActiveDirectory",
    "AzureActiveDirectoryDomainServices",
    "AzureAdvancedThreatProtection",
    "AzureArcInfrastructure",
    "AzureAttestation",
    "AzureBackup",
    "AzureBotService",
    "AzureCloud",
    "AzureCognitiveSearch",
    "AzureConnectors",
    "AzureContainerRegistry",
    "AzureCosmosDB",
    "AzureDatabricks",
    "AzureDataExplorerManagement",
    "AzureDeviceUpdate",
    "AzureDevOps",
    "AzureDigitalTwins",
    "AzureEventGrid",
    "AzureFrontDoor.Backend",
    "AzureFrontDoor.FirstParty",
    "AzureFrontDoor.Frontend",
    "AzureInformationProtection",
    "AzureIoTHub",
    "AzureKeyVault",
    "AzureLoadBalancer",
    "AzureMachineLearning",
    "AzureMonitor",
    "AzureOpenDatasets",
    "AzurePlatformDNS",
    "AzurePlatformIMDS",
    "AzurePlatformLKM",
    "AzureResourceManager",
    "AzureSecurityCenter",
    "AzureSentinel",
    "AzureSignalR",
    "AzureSiteRecovery",
    "AzureStack",
    "AzureTrafficManager",
    "AzureUpdateDelivery",
    "BatchNodeManagement",
    "ChaosStudio",
    "CognitiveServicesManagement",
    "DataFactory",
    "DataFactoryManagement",
    "Dynamics365ForMarketingEmail",
    "EOPExternalPublishedIPs",
    "EventHub",
    "GatewayManager",
    "GenevaActions",
    "GuestAndHybridManagement",
    "HDInsight",
    "Internet",
    "LogicApps",
    "LogicAppsManagement",
    "M365ManagementActivityApi",
    "MicrosoftAzureFluidRelay",
    "MicrosoftCloudAppSecurity",
    "MicrosoftContainerRegistry",
    "MicrosoftDefenderForEndpoint",
    "OneDsCollector",
    "PowerBI",
    "PowerPlatformInfra",
    "PowerQueryOnline",
    "ServiceBus",
    "ServiceFabric",
    "Sql",
    "SqlManagement",
    "Storage",
    "StorageSyncService",
    "VideoIndexer",
    "VirtualDesktop",
    "VirtualNetwork",
    "WindowsAdminCenter",
    "WindowsVirtualDesktop",
};

static bool is_tag(const char *text)
{
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        size_t len = strlen(tags[i]);
        if (text_starts(text, tags[i]) &&
            (text[len] == '\0' ||
             (text[len] == '.' && text[len + 1] != '\0' &&
              strspn(text + len + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789") == strlen(text + len + 1))))
            return true;
    }
    return false;
}

static bool has_host_bits(const unsigned char *bytes, int size, long bits)
{
    for (int i = 0; i < size; i++) {
        long kept = bits - 8L * i;
        unsigned mask = kept >= 8 ? 0xff : kept <= 0 ? 0 : 0xffU << (8 - kept);
        if ((bytes[i] & ~mask & 0xffU) != 0)
            return true;
    }
    return false;
}

enum address_kind address_kind(const char *text)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    char copy[TEXT_MAX];

    if (strcmp(text, "*") == 0)
        return ADDRESS_ANY;
    if (is_tag(text))
        return ADDRESS_TAG;
    if (strlen(text) >= sizeof copy)
        return ADDRESS_BAD;
    memcpy(copy, text, strlen(text) + 1);
    int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    int size = family == AF_INET ? 4 : 16;
    long bits = 8L * size;
    char *slash = strchr(copy, '/');
    if (slash != NULL) {
        char *end;
        *slash++ = '\0';
        if (*slash < '0' || *slash > '9')
            return ADDRESS_BAD;
        bits = strtol(slash, &end, 10);
        if (*end != '\0' || bits > 8L * size)
            return ADDRESS_BAD;
    }
    if (inet_pton(family, copy, bytes) != 1 || has_host_bits(bytes, size, bits))
        return ADDRESS_BAD;
    return family == AF_INET ? ADDRESS_V4 : ADDRESS_V6;
}

char *address_with_length(const char *text)
{
    enum address_kind kind = strchr(text, '/') == NULL ? address_kind(text) : ADDRESS_BAD;

    if (kind == ADDRESS_V4)
        return text_format("%s/32", text);
    return kind == ADDRESS_V6 ? text_format("%s/128", text) : xstrdup(text);
}
