//  mail_scan - descriptions of the mail between ingest and scan

#include "messages/mail_scan.h"

MESSAGE_DESCRIBE (scan_look, MESSAGE_ARRAY, SCAN_LOOK_FIELDS, "a folder to look at")
MESSAGE_DESCRIBE (scan_looked, MESSAGE_ARRAY, SCAN_LOOKED_FIELDS, "what it is")
MESSAGE_DESCRIBE (scan_start, MESSAGE_ARRAY, SCAN_START_FIELDS, "a location to walk and watch")
MESSAGE_DESCRIBE (scan_stop, MESSAGE_ARRAY, SCAN_STOP_FIELDS, "a location to forget")
MESSAGE_DESCRIBE (scan_begin, MESSAGE_ARRAY, SCAN_BEGIN_FIELDS, "a job begins")
MESSAGE_DESCRIBE (scan_listing, MESSAGE_ARRAY, SCAN_LISTING_FIELDS, "what is in directories")
MESSAGE_DESCRIBE (scan_credit, MESSAGE_ARRAY, SCAN_CREDIT_FIELDS, "listings are done with")
MESSAGE_DESCRIBE (scan_done, MESSAGE_ARRAY, SCAN_DONE_FIELDS, "a job is done")
MESSAGE_DESCRIBE (scan_settled, MESSAGE_ARRAY, SCAN_SETTLED_FIELDS, "a job is durable")
MESSAGE_DESCRIBE (scan_events, MESSAGE_ARRAY, SCAN_EVENTS_FIELDS, "what changed under watches")
MESSAGE_DESCRIBE (identify, MESSAGE_ARRAY, IDENTIFY_FIELDS, "files to be identified")
MESSAGE_DESCRIBE (identified, MESSAGE_ARRAY, IDENTIFIED_FIELDS, "files that were identified")
