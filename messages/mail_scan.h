//  mail_scan - the part of the mail that ingest and scan alone use

#ifndef TIDEPOOL_MAIL_SCAN_H
#define TIDEPOOL_MAIL_SCAN_H

#include "messages/message.h"

#define SCAN_MAIL_LIST(X)

#endif
